import { openThrowawayPostgres } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { measureCatchUp } from "./support/console-catch-up.ts";
import { measureEventToPixel } from "./support/console-event-to-pixel.ts";
import { measureFirstList } from "./support/console-first-list.ts";
import { rounded } from "./support/statistics.ts";

const LIGHTHOUSE_TRIES = 3;

/**
 * The console in a real browser, from a real server: how soon a first list is there on a slow phone, how soon an event is on
 * the screen of ten tabs, how soon a page has caught up with a server that was killed, and Lighthouse's marks.
 */
export const console: Benchmark = {
  name: "console",
  summary: "The first list on a slow phone, an event on ten tabs, a killed server, and Lighthouse's marks.",
  limitMs: 900_000,
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const postgres = await openThrowawayPostgres();
    cleanUp.defer(() => postgres.close());
    process.env.TMINUS_TEST_POSTGRES = postgres.adminUrl;
    const { ConsoleProject } = await import("../test/web/support/console-project.ts");
    const { measureEveryPage } = await import("../test/web/support/lighthouse.ts");
    say("making a project with a server and its console");
    const site = await ConsoleProject.open();
    cleanUp.defer(() => site.close());
    const context = await site.context();
    await site.setUp(await context.newPage());
    await context.close();
    const run = await site.startWaiting();

    const firstList = await measureFirstList(site, say, signal);
    const eventToPixel = await measureEventToPixel(site, run, say, signal);
    const catchUp = await measureCatchUp(site, run, say, signal);
    const marks = await measureEveryPage(site, { tries: LIGHTHOUSE_TRIES, say, signal });
    return {
      ratios: {
        firstListOverBareTransfer: rounded(firstList.ms / firstList.bareTransferMs, 2),
        eventToPixelOverBareStream: rounded(eventToPixel.p95Ms / eventToPixel.bareP95Ms, 2),
      },
      figures: {
        firstListMs: rounded(firstList.ms, 0),
        bareTransferMs: rounded(firstList.bareTransferMs, 0),
        eventToPixelP50Ms: rounded(eventToPixel.p50Ms, 0),
        eventToPixelP95Ms: rounded(eventToPixel.p95Ms, 0),
        bareStreamP95Ms: rounded(eventToPixel.bareP95Ms, 0),
        streams: eventToPixel.streams,
        catchUpMs: rounded(catchUp.ms, 0),
        eventsLost: eventToPixel.lost + catchUp.lost,
        eventsDoubled: eventToPixel.doubled + catchUp.doubled,
        lighthousePerformanceMin: Math.min(...marks.map(({ performance }) => performance)),
        lighthouseAccessibilityMin: Math.min(...marks.map(({ accessibility }) => accessibility)),
      },
    };
  },
};
