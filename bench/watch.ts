import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { watchOdds } from "../src/watch/statistics/watch-odds.ts";
import type { Benchmark } from "./benchmark.ts";
import { rounded } from "./support/statistics.ts";
import { NOISES, type Noise } from "./support/watch-noise.ts";
import { PEERS } from "./support/watch-peers.ts";
import { simulateAsLooked, type AsLooked } from "./support/watch-as-looked.ts";
import {
  CHECKED_RUNS,
  minutesAt,
  OURS,
  rolledBackPercent,
  type Cell,
  type Outcome,
} from "./support/watch-simulation.ts";

const TRAFFIC = [6, 30, 120, 600, 6000] as const;
const GOOD = [0.001, 0.009] as const;
const BAD = [0.02, 0.05, 0.1] as const;
const GOOD_RUNS = 2000;
/** More where the odds that a plan prints are compared with them. */
const BAD_RUNS = 3000;
const OTHER_BAD_RUNS = 2000;
/** Fewer, to stay within the time of a benchmark: the hardest noise. */
const BURSTY_RUNS = 1000;
const GOOD_MINUTES = 24 * 60;
const BAD_MINUTES = 4 * 60;
const NAMES = ["tminus rolls back", "tminus holds", ...PEERS.map(({ name }) => name)];

/**
 * What a rule "errors above 1 %" does to good and to bad releases, in simulated watches with fixed seeds: the same
 * numbers on every machine. Good ones are watched for 24 h, bad ones, which are bad from the beginning, for 4 h.
 */
export const watch: Benchmark = {
  name: "watch",
  summary: "False rollbacks and time to detect of a watch's decision and of the usual rules, simulated.",
  limitMs: 420_000,
  async run(say, signal) {
    const results = new Map<string, Outcome>();
    const shares = [...GOOD, ...BAD];
    const cellsOf = NOISES.map((noise, index) =>
      TRAFFIC.flatMap((requestsPerMinute) =>
        shares.map((share): Cell => ({
          noise,
          requestsPerMinute,
          share,
          seed: 0,
          ...lengthOf(noise, share),
        })),
      ).map((cell, number): Cell => ({ ...cell, seed: index * 100 + number + 1 })),
    );
    say(`simulating ${cellsOf.flat().length} kinds of releases, in a thread for each kind of noise`);
    const outcomes = await Promise.all(cellsOf.map((cells) => simulateInThread(cells, signal)));
    for (const [index, noise] of NOISES.entries()) {
      for (const [number, { requestsPerMinute, share }] of cellsOf[index]!.entries())
        results.set(keyOf(noise, requestsPerMinute, share), outcomes[index]![number]!);
      for (const line of tablesOf(noise, results)) say(line);
    }
    const outcomeOf = (noise: Noise, traffic: number, share: number): Outcome =>
      results.get(keyOf(noise, traffic, share))!;
    const falseOf = (rule: number): number[] =>
      NOISES.flatMap((noise) =>
        TRAFFIC.flatMap((traffic) =>
          GOOD.map((share) => rolledBackPercent(outcomeOf(noise, traffic, share)[rule]!)),
        ),
      );
    const median = (noise: Noise, traffic: number, rule = 0): number =>
      rounded(minutesAt(outcomeOf(noise, traffic, 0.05)[rule]!, 0.5), 2);
    const asLooked = simulateAsLooked();
    for (const line of linesOf(asLooked)) say(line);
    const odds = Math.max(
      compareOdds(outcomeOf, say),
      ...asLooked.map(({ seenPercent, printedPercent }) => Math.abs(seenPercent - printedPercent)),
    );
    const medianAsLooked = (traffic: number): number =>
      asLooked.find(({ requestsPerMinute, share }) => requestsPerMinute === traffic && share === 0.05)!
        .medianMinutes;
    return {
      ratios: {
        medianAt120OverFiveInARow: rounded(median("independent", 120) / median("independent", 120, OURS), 2),
      },
      figures: {
        falseRollbackMaxPercent: rounded(Math.max(...falseOf(0)), 2),
        falseHoldMaxPercent: rounded(Math.max(...falseOf(1)), 2),
        medianMinutesAt120: median("independent", 120),
        medianMinutesAt30: median("independent", 30),
        asLookedMedianMinutesAt120: medianAsLooked(120),
        asLookedMedianMinutesAt30: medianAsLooked(30),
        clusteredMedianMinutesAt120: median("clustered", 120),
        clusteredMedianMinutesAt30: median("clustered", 30),
        oddsOffByMaxPoints: rounded(odds, 2),
        decidedByFoldToo: CHECKED_RUNS * cellsOf.flat().length,
        peersFalseRollbackMinPercent: rounded(
          Math.min(...PEERS.map((_, index) => Math.max(...falseOf(OURS + index)))),
          1,
        ),
      },
    };
  },
};

async function simulateInThread(cells: readonly Cell[], signal: AbortSignal): Promise<Outcome[]> {
  const worker = new Worker(new URL("./support/watch-cells-child.ts", import.meta.url), {
    workerData: cells,
  });
  try {
    const [outcomes] = (await once(worker, "message", { signal })) as [Outcome[]];
    return outcomes;
  } finally {
    await worker.terminate();
  }
}

function lengthOf(noise: Noise, share: number): Pick<Cell, "minutes" | "runs" | "shareBefore"> {
  const isGood = (GOOD as readonly number[]).includes(share);
  const runs = isGood ? GOOD_RUNS : noise === "independent" ? BAD_RUNS : OTHER_BAD_RUNS;
  return {
    minutes: isGood ? GOOD_MINUTES : BAD_MINUTES,
    runs: noise === "bursty" ? BURSTY_RUNS : runs,
    shareBefore: isGood ? share : GOOD[0],
  };
}

function keyOf(noise: Noise, traffic: number, share: number): string {
  return `${noise} ${traffic} ${share}`;
}

/** Two tables: rolled back of the good releases, and minutes to the rollback of the bad ones. */
function tablesOf(noise: Noise, results: ReadonlyMap<string, Outcome>): string[] {
  const table = (shares: readonly number[], cellOf: (times: readonly number[]) => string): string[] => {
    const columns = shares.flatMap((share) => TRAFFIC.map((traffic) => ({ share, traffic })));
    const head = columns.map(({ share, traffic }) => `${rounded(100 * share, 1)} % at ${traffic}`);
    const rows = NAMES.map((name, rule) => [
      name,
      ...columns.map(({ share, traffic }) => cellOf(results.get(keyOf(noise, traffic, share))![rule]!)),
    ]);
    return [row(["rule", ...head]), row(["---", ...head.map(() => "---")]), ...rows.map(row)];
  };
  return [
    "",
    `${noise} errors: rolled back in 24 h, % of ${noise === "bursty" ? BURSTY_RUNS : GOOD_RUNS} good releases (share of errors at requests per minute)`,
    ...table(GOOD, (times) => String(rounded(rolledBackPercent(times), 2))),
    "",
    `${noise} errors: minutes to the rollback of a bad release, median / 95th percentile, within 4 h`,
    ...table(
      BAD,
      (times) => `${minutesText(minutesAt(times, 0.5))} / ${minutesText(minutesAt(times, 0.95))}`,
    ),
  ];
}

function linesOf(asLooked: readonly AsLooked[]): string[] {
  return [
    "",
    "looks every 15 s, after 5 min each minute: median minutes to the rollback, seen in an hour, printed",
    ...asLooked.map(({ requestsPerMinute, share, medianMinutes, seenPercent, printedPercent }) =>
      row([
        `${rounded(100 * share, 1)} % at ${requestsPerMinute}`,
        minutesText(medianMinutes),
        `${rounded(seenPercent, 1)} %`,
        `${rounded(printedPercent, 1)} %`,
      ]),
    ),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function minutesText(minutes: number): string {
  return minutes === Infinity ? "–" : String(rounded(minutes, 1));
}

/**
 * By how many percentage points the odds that a plan prints differ from the simulation at the most: of false rollbacks
 * in 24 h, and of seeing a bad release within 5 min, half an hour and 4 h.
 */
function compareOdds(
  outcomeOf: (noise: Noise, traffic: number, share: number) => Outcome,
  say: (line: string) => void,
): number {
  say("");
  say("odds that a plan prints / simulated, in %, independent errors");
  let worst = 0;
  for (const traffic of TRAFFIC) {
    const cells: string[] = [];
    const compare = (printed: number, share: number, minutes: number): void => {
      const times = outcomeOf("independent", traffic, share)[0]!;
      const simulated = rolledBackPercent(times.map((time) => (time <= minutes ? time : Infinity)));
      worst = Math.max(worst, Math.abs(printed - simulated));
      cells.push(`${rounded(printed, 1)} / ${rounded(simulated, 1)}`);
    };
    const ask = (healthyShare: number, minutes: number): ReturnType<typeof watchOdds> =>
      watchOdds({
        target: 0.01,
        healthyShare,
        requestsPerMinute: traffic,
        durationMs: minutes * 60_000,
      });
    for (const share of GOOD) compare(ask(share, GOOD_MINUTES).falseRollbackPercent, share, GOOD_MINUTES);
    for (const minutes of [5, 30, BAD_MINUTES])
      for (const [index, each] of ask(GOOD[0], minutes).detection.entries())
        compare(each.seenPercent, BAD[index]!, minutes);
    say(row([`${traffic} per minute`, ...cells]));
  }
  return worst;
}
