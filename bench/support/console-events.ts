import type { BrowserContext, Page } from "playwright-core";
import { systemClock } from "../../src/lib/clock.ts";
import type { Actor } from "../../src/model/actor.ts";
import type { RunEvent } from "../../src/model/run.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import type { ConsoleProject } from "../../test/web/support/console-project.ts";

const POLL_MS = 20;
const ROWS = ".happened tbody tr";

/** Somebody who steers a run, and a browser whose pages note when they show what; both end with `cleanUp`. */
export async function openObserved(
  site: ConsoleProject,
  cleanUp: AsyncDisposableStack,
): Promise<{ tminus: Tminus; ann: Actor; context: BrowserContext }> {
  const tminus = await site.project.open();
  cleanUp.defer(() => tminus.close());
  const ann = await site.actor(tminus, "ann");
  const context = await site.context();
  cleanUp.defer(() => context.close());
  await context.addInitScript({ content: NOTE_SHOWN_EVENTS });
  return { tminus, ann, context };
}

/** Opens the run in further tabs of the context, each with its list of events, and a note of when each was first on the screen. */
export async function openRunIn(pages: readonly Page[], url: string): Promise<void> {
  for (const page of pages) {
    await page.goto(url);
    await page.locator(".happened summary").click();
    await page.locator(ROWS).first().waitFor();
  }
}

/**
 * Runs in a page, before its scripts: writes down for each event, by its number, when a frame first showed it, in ms since
 * 1970.
 */
export const NOTE_SHOWN_EVENTS = `{
  const shownMs = {};
  const look = () => {
    for (const cell of document.querySelectorAll(".happened tbody td:first-child")) shownMs[cell.textContent] ??= Date.now();
    document.documentElement.dataset.shownMs = JSON.stringify(shownMs);
  };
  // The frame after the one for which it was drawn: it is on the screen.
  const observer = new MutationObserver(() => requestAnimationFrame(() => requestAnimationFrame(look)));
  observer.observe(document, { childList: true, subtree: true, characterData: true });
}`;

/** When each event was first on the page's screen, by its number. */
export async function shownTimes(page: Page): Promise<Record<string, number>> {
  return JSON.parse((await page.locator("html").getAttribute("data-shown-ms")) ?? "{}") as Record<
    string,
    number
  >;
}

/** Tells the waiting run to hold, or to go on, and resolves with its event when there is one. */
export async function steer(
  { tminus, ann }: { tminus: Tminus; ann: Actor },
  run: string,
  kind: "hold" | "resume",
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const after = (await tminus.events(run, 0)).at(-1)!.sequence;
  await tminus.send(run, { kind, note: "" }, ann);
  for (;;) {
    const news = await tminus.events(run, after);
    if (news.some(({ type }) => type === "signal.received")) return news;
    await systemClock.sleep(POLL_MS, signal);
  }
}

/** Resolves when the page shows the newest event; how many of all are missing then, and how many are there twice. */
export async function tally(
  page: Page,
  events: readonly RunEvent[],
): Promise<{ lost: number; doubled: number }> {
  const newest = String(events.at(-1)!.sequence);
  await page.locator(`${ROWS}:first-child td:first-child`, { hasText: new RegExp(`^${newest}$`) }).waitFor();
  const shown = await page.locator(`${ROWS} td:first-child`).allTextContents();
  const different = new Set(shown);
  return {
    lost: events.filter(({ sequence }) => !different.has(String(sequence))).length,
    doubled: shown.length - different.size,
  };
}
