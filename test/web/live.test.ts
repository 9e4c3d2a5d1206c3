import type { BrowserContext, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../src/model/actor.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { ConsoleProject } from "./support/console-project.ts";

const TABS = 10;
const PATIENCE = { timeout: 60_000, interval: 100 };

let site: ConsoleProject;
let tminus: Tminus;
let ann: Actor;
/** It waits, and can be told to hold and to resume as often as one likes: each leaves an event. */
let run: string;

beforeAll(async () => {
  site = await ConsoleProject.open();
  const page = await (await site.context()).newPage();
  await site.setUp(page);
  await page.context().close();
  run = await site.startWaiting();
  tminus = await site.project.open();
  ann = await site.actor(tminus, "ann");
}, 180_000);
afterAll(async () => {
  await tminus.close();
  await site.close();
}, 60_000);

describe("what happens while a page is open", { timeout: 240_000 }, () => {
  it("comes over one stream that ten tabs share, also when the tab that holds it is closed", async () => {
    const context = await site.context();
    const streams = streamsOf(context);
    const tabs = await openTabs(context, TABS);
    const atFirst = streams.length;
    await steer("hold");
    await allShowEverything(tabs);
    expect(streams).toHaveLength(atFirst);
    const holder = streams.at(-1)!.frame().page();
    // The tab that was there first, when it signed in and when it went on to the run.
    expect(streams.map((stream) => stream.frame().page())).toEqual([holder, holder]);

    const others = tabs.filter((tab) => tab !== holder);
    expect(others).toHaveLength(TABS - 1);
    await Promise.all([holder.close(), steer("resume")]);
    await steer("hold");
    await allShowEverything(others);
    await expect.poll(() => streams.length, PATIENCE).toBe(atFirst + 1);
    expect(others).toContain(streams.at(-1)!.frame().page());
    await steer("resume");
    await allShowEverything(others);
    expect(streams).toHaveLength(atFirst + 1);
    await context.close();
  });

  it("is caught up with when the server was killed and is back, and until then nothing can be pressed", async () => {
    const context = await site.context();
    const [page] = await openTabs(context, 1);
    const hold = page!.getByRole("button", { name: "Hold" });
    expect(await hold.isEnabled()).toBe(true);
    await site.killServer();
    await page!
      .getByRole("alert")
      .getByText(/stale since \d\d:\d\d:\d\d/)
      .waitFor();
    expect(await hold.isDisabled()).toBe(true);
    expect(await page!.getByRole("button", { name: "Abort" }).isDisabled()).toBe(true);
    await steer("hold");
    await steer("resume");

    await site.startServer();
    await allShowEverything([page!]);
    await page!.getByText(/stale since/).waitFor({ state: "detached" });
    await expect.poll(() => hold.isEnabled(), PATIENCE).toBe(true);
    await context.close();
  });

  it("is not lost when it comes between an answer and its arrival", async () => {
    const context = await site.context();
    const page = await context.newPage();
    await site.signIn(page, "ann");
    let letGo: () => void = () => undefined;
    const isHeldBack = new Promise<void>((resolve) => {
      void page.route(/\/events\?after=0$/, async (route) => {
        const response = await route.fetch();
        const isLetGo = new Promise<void>((go) => (letGo = go));
        resolve();
        await isLetGo;
        await route.fulfill({ response });
      });
    });
    const heard = page.waitForRequest(/\/api\/events$/);
    await page.goto(`${site.url}/runs/${run}`);
    await heard;
    await isHeldBack;
    await steer("hold");
    // So that the page has mostly heard of it by its stream; it must not be lost either way.
    await page.waitForTimeout(1000);
    letGo();
    await page.getByText(/What happened/).click();
    await allShowEverything([page]);
    await context.close();
  });

  it("is asked for anew by somebody who signs in again when the session has ended meanwhile", async () => {
    const context = await site.context();
    const [page, other] = await openTabs(context, 2);
    await site.killServer();
    await site.project.query("delete from tminus.web_session", site.project.stateUrl);
    await site.startServer();
    await page!.getByRole("button", { name: "Sign in" }).waitFor();
    await other!.getByRole("button", { name: "Sign in" }).waitFor();
    await context.close();
  });
});

/** The requests for the stream of events, one for each time that it was opened. */
function streamsOf(context: BrowserContext): Request[] {
  const streams: Request[] = [];
  context.on("request", (request) => {
    if (request.url().endsWith("/api/events")) streams.push(request);
  });
  return streams;
}

async function openTabs(context: BrowserContext, count: number): Promise<Page[]> {
  const first = await context.newPage();
  await site.signIn(first, "ann");
  const tabs = [first, ...(await Promise.all(Array.from({ length: count - 1 }, () => context.newPage())))];
  for (const tab of tabs) {
    await tab.goto(`${site.url}/runs/${run}`);
    await tab.getByText(/What happened/).click();
  }
  return tabs;
}

async function steer(kind: "hold" | "resume"): Promise<void> {
  const before = (await tminus.events(run, 0)).length;
  await tminus.send(run, { kind, note: "" }, ann);
  await expect
    .poll(
      async () => (await tminus.events(run, before)).some(({ type }) => type === "signal.received"),
      PATIENCE,
    )
    .toBe(true);
}

/** Every event once, newest first. */
async function allShowEverything(tabs: readonly Page[]): Promise<void> {
  const all = (await tminus.events(run, 0)).map(({ sequence }) => sequence).toReversed();
  for (const tab of tabs) {
    const numbers = tab.getByRole("region", { name: "Events" }).locator("tbody td:first-child");
    await expect.poll(async () => (await numbers.allTextContents()).map(Number), PATIENCE).toEqual(all);
  }
}
