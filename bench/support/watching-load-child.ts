import { existsSync } from "node:fs";
import { systemClock } from "../../src/lib/clock.ts";
import { startLoad } from "../../src/testing/load-generator.ts";

/**
 * Visitors at a fixed rate, and a note of when the bad release answered. Arguments: URL, requests per second,
 * name of the bad release, a file whose appearance ends the load. Prints {"requests", "failed", "badAt"}, the
 * last being the epoch milliseconds at which answers of the bad release were complete.
 */
const LONGEST_MS = 60_000;
const VISITORS = 64;
const POLL_MS = 20;

const [baseUrl, rate, badRelease, stopFile] = process.argv.slice(2);
const badAt: number[] = [];
const load = startLoad({
  baseUrl: baseUrl!,
  requestsPerSecond: Number(rate),
  connections: VISITORS,
  scenario: {
    next: () => ({
      name: "visit",
      method: "GET",
      path: "/",
      onResponse: (_, body) => {
        if (body.includes(`"release":"${badRelease}"`)) badAt.push(systemClock.now().getTime());
      },
    }),
  },
});
const until = systemClock.monotonicMs() + LONGEST_MS;
while (!existsSync(stopFile!) && systemClock.monotonicMs() < until) await systemClock.sleep(POLL_MS);
const { total } = await load.stop();
process.stdout.write(`${JSON.stringify({ requests: total.requests, failed: total.failed, badAt })}\n`);
