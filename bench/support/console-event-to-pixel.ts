import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../src/lib/clock.ts";
import type { RunEvent } from "../../src/model/run.ts";
import type { ConsoleProject } from "../../test/web/support/console-project.ts";
import { NOTE_SHOWN_EVENTS, openObserved, openRunIn, shownTimes, steer, tally } from "./console-events.ts";
import { quantile } from "./statistics.ts";

const TABS = 10;
const ROUNDS = 15;
/** A run at its busiest has about one event a second. */
const PAUSE_MS = 1000;

export interface EventToPixel {
  p50Ms: number;
  p95Ms: number;
  /** Of a page that does nothing but write down what a stream of events says. */
  bareP95Ms: number;
  lost: number;
  doubled: number;
  /** How many the ten tabs have opened. */
  streams: number;
}

/** From the time of an event in the database to the frame that shows it, in each of ten tabs of one browser. */
export async function measureEventToPixel(
  site: ConsoleProject,
  run: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<EventToPixel> {
  await using cleanUp = new AsyncDisposableStack();
  const { tminus, ann, context } = await openObserved(site, cleanUp);
  let streams = 0;
  context.on("request", (request) => void (streams += Number(request.url().endsWith("/api/events"))));
  const first = await context.newPage();
  await site.signIn(first, "ann");
  const further = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()));
  const tabs = [first, ...further];
  await openRunIn(tabs, `${site.url}/runs/${run}`);
  streams = 1; // each tab that was alone for a moment had one

  const caused: RunEvent[] = [];
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of ["hold", "resume"] as const) {
      caused.push(...(await steer({ tminus, ann }, run, kind, signal)));
      await systemClock.sleep(PAUSE_MS, signal);
    }
  const all = await tminus.events(run, 0);
  const tallies: Awaited<ReturnType<typeof tally>>[] = [];
  const tookMs: number[] = [];
  for (const tab of tabs) {
    tallies.push(await tally(tab, all));
    const shown = await shownTimes(tab);
    tookMs.push(...caused.map(({ sequence, at }) => (shown[sequence] ?? Number.NaN) - at.getTime()));
  }
  const bareMs = await bareStream(site, signal);
  const [p50Ms, p95Ms, bareP95Ms] = [quantile(tookMs, 0.5), quantile(tookMs, 0.95), quantile(bareMs, 0.95)];
  say(
    `${caused.length} events in ${TABS} tabs: half within ${Math.round(p50Ms)} ms, 95 % within ${Math.round(p95Ms)}`,
  );
  const sum = (of: "lost" | "doubled"): number => tallies.reduce((total, each) => total + each[of], 0);
  return { p50Ms, p95Ms, bareP95Ms, lost: sum("lost"), doubled: sum("doubled"), streams };
}

const APPEND_MESSAGES = `void (new EventSource("/events").onmessage = ({ data }) => {
  document.querySelector("tbody").insertAdjacentHTML("afterbegin", "<tr><td>" + data + "</td></tr>");
})`;

/** As long for a message of a bare server to be in a frame of a page that has nothing else to do. */
async function bareStream(site: ConsoleProject, signal: AbortSignal): Promise<number[]> {
  const readers: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      readers.push(response);
    } else
      response
        .writeHead(200, { "content-type": "text/html" })
        .end('<table class="happened"><tbody></tbody></table>');
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const context = await site.context();
  try {
    await context.addInitScript({ content: NOTE_SHOWN_EVENTS });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.evaluate(APPEND_MESSAGES);
    const sentMs: number[] = [];
    while (sentMs.length < 2 * ROUNDS) {
      await systemClock.sleep(PAUSE_MS, signal);
      if (readers.length === 0) continue;
      readers[0]!.write(`data: ${sentMs.length}\n\n`);
      sentMs.push(systemClock.now().getTime());
    }
    await page.locator(`tr:first-child td`, { hasText: new RegExp(`^${2 * ROUNDS - 1}$`) }).waitFor();
    await systemClock.sleep(PAUSE_MS, signal);
    const shown = await shownTimes(page);
    return sentMs.map((ms, index) => shown[index]! - ms);
  } finally {
    await context.close();
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
  }
}
