import { existsSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../lib/clock.ts";
import { writeFileAtomically } from "../lib/write-file.ts";
import { request } from "../lib/http.ts";
import { startLoad } from "../testing/load-generator.ts";
import { shopScenario } from "../testing/shop-scenario.ts";

/**
 * The demo's customers, a process of its own so that they stay when the demo is killed. Waits until the shop
 * answers, then sends requests and writes what it counted to a file five times a second. Ends when the stop
 * file appears, when nobody has touched the alive file for a minute, or after ten minutes.
 */
const EVERY_MS = 200;
/** The demo's customers come to buy: what fails some orders then fails as many requests. */
const BUYERS_PERCENT = 95;
const ABANDONED_MS = 60_000;
const LONGEST_MS = 600_000;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    rate: { type: "string" },
    report: { type: "string" },
    stop: { type: "string" },
    alive: { type: "string" },
  },
});
const { url, rate, report, stop, alive } = values;
if (
  url === undefined ||
  rate === undefined ||
  report === undefined ||
  stop === undefined ||
  alive === undefined
) {
  throw new Error("load-process needs --url, --rate, --report, --stop and --alive");
}

const startedMs = systemClock.monotonicMs();
const isOver = (): boolean =>
  existsSync(stop) ||
  systemClock.now().getTime() - statSync(alive).mtimeMs > ABANDONED_MS ||
  systemClock.monotonicMs() - startedMs > LONGEST_MS;

while (!isOver()) {
  const answer = await request({ url: `${url}/health`, method: "GET", timeoutMs: 1_000 });
  if (answer.kind === "response" && answer.status === 200) break;
  await systemClock.sleep(50);
}
const load = startLoad({
  baseUrl: url,
  requestsPerSecond: Number(rate),
  connections: 250,
  scenario: shopScenario({ buyers: BUYERS_PERCENT }),
});
while (!isOver()) {
  writeFileAtomically(report, JSON.stringify(load.snapshot()));
  await systemClock.sleep(EVERY_MS);
}
writeFileAtomically(report, JSON.stringify(await load.stop()));
