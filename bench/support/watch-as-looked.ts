import { seededRandom } from "../../src/watch/statistics/seeded-random.ts";
import { watchOdds } from "../../src/watch/statistics/watch-odds.ts";
import { rounded } from "./statistics.ts";
import { startFold } from "./watch-by-fold.ts";
import { trafficOf } from "./watch-noise.ts";
import { minutesAt, rolledBackPercent } from "./watch-simulation.ts";

/** What the fold does with looks as a step makes them, beside what a plan prints of it. */
export interface AsLooked {
  requestsPerMinute: number;
  share: number;
  medianMinutes: number;
  seenPercent: number;
  printedPercent: number;
}

const MINUTE_MS = 60_000;
const DURATION_MS = 60 * MINUTE_MS;
/** Every 15 s for five minutes, then each minute. */
const STAGES = [
  { name: "first", fromMs: 0, untilMs: 5 * MINUTE_MS, everyMs: 15_000 },
  { name: "rest", fromMs: 5 * MINUTE_MS, untilMs: DURATION_MS, everyMs: MINUTE_MS },
];
const LOOKS = STAGES.flatMap(({ fromMs, untilMs, everyMs }) =>
  Array.from({ length: (untilMs - fromMs) / everyMs }, (_, index) => ({
    fromMs: fromMs + index * everyMs,
    lengthMs: everyMs,
  })),
);
const TRAFFIC = [30, 120, 600] as const;
const RUNS = 2000;
const SEED = 900;

/** Bad releases, watched for an hour with the whole fold; independent errors, fixed seeds. */
export function simulateAsLooked(): AsLooked[] {
  return TRAFFIC.flatMap((requestsPerMinute, index) => {
    const { detection } = watchOdds({
      target: 0.01,
      healthyShare: 0.001,
      requestsPerMinute,
      durationMs: DURATION_MS,
      cadences: STAGES,
    });
    return detection.map(({ times, share, seenPercent: printedPercent }): AsLooked => {
      const minutes = simulate(requestsPerMinute, share, SEED + 10 * index + times);
      return {
        requestsPerMinute,
        share,
        medianMinutes: rounded(minutesAt(minutes, 0.5), 2),
        seenPercent: rolledBackPercent(minutes),
        printedPercent,
      };
    });
  });
}

function simulate(requestsPerMinute: number, share: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: RUNS }, () => {
    const traffic = trafficOf("independent", random, requestsPerMinute, share);
    const fold = startFold(DURATION_MS, 0, STAGES);
    for (const { fromMs, lengthMs } of LOOKS)
      if (!fold.take(fromMs, fromMs + lengthMs, traffic.block(fromMs, lengthMs))) break;
    return fold.decided().rolledBack;
  });
}
