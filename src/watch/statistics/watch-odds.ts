import { addBlockInPlace, evidenceValue, noEvidence } from "./block-evidence.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";
import { HOLD_ALPHA, plannedBlocks, ROLLBACK_ALPHA, threshold, type PlannedBlock } from "./spending.ts";

/** What a plan knows of a rule in confident mode before the release. */
export interface OddsQuestion {
  /** The share that the rule does not allow to be exceeded. */
  target: number;
  /** The share that was measured before, or is assumed of a healthy release. */
  healthyShare: number;
  requestsPerMinute: number;
  durationMs: number;
  /** 1 when left out. */
  gatingRules?: number;
  /** See epochsOf. */
  minBlockMs?: number;
  /** Bad requests come in clusters of this mean size; 1, independent, when left out. */
  clusterSize?: number;
}

/** The odds of a rule at a given traffic, for the plan. Percentages are 0 to 100. */
export interface WatchOdds {
  /** That a release with the healthy share is rolled back in the whole watch. */
  falseRollbackPercent: number;
  /** That it is held at some time. */
  falseHoldPercent: number;
  detection: Detection[];
}

/** How soon a release with that many times the target is rolled back, when it is bad from the beginning. */
export interface Detection {
  times: number;
  share: number;
  /** That it is rolled back within the watch. */
  seenPercent: number;
  /** Undefined where less than half of such releases are seen within the watch: the rule cannot see them. */
  medianMinutes: number | undefined;
  /** Undefined where less than 95 % are seen. */
  p95Minutes: number | undefined;
}

/**
 * The odds by simulation with a fixed seed: the same question has the same answer. The standard error is at most one
 * percentage point; the time is bounded, below a second.
 */
export function watchOdds(question: OddsQuestion): WatchOdds {
  const blocks = plannedBlocks(question.durationMs, question.minBlockMs);
  const rules = question.gatingRules ?? 1;
  const rollbackAt = threshold(ROLLBACK_ALPHA, rules);
  const healthy = simulate(question, blocks, question.healthyShare, [
    rollbackAt,
    threshold(HOLD_ALPHA, rules),
  ]);
  const detection = SEEN_TIMES.map((times) => ({ times, share: times * question.target }))
    .filter(({ share }) => share <= 1)
    .map(({ times, share }): Detection => {
      const [minutes] = simulate(question, blocks, share, [rollbackAt]);
      return {
        times,
        share,
        seenPercent: seenPercent(minutes!),
        medianMinutes: quantile(minutes!, 0.5),
        p95Minutes: quantile(minutes!, 0.95),
      };
    });
  return {
    falseRollbackPercent: seenPercent(healthy[0]!),
    falseHoldPercent: seenPercent(healthy[1]!),
    detection,
  };
}

const SEEN_TIMES = [2, 5, 10] as const;
const MAX_RUNS = 20_000;
const MIN_RUNS = 2500;
/** Blocks that are simulated for one share; a long watch gets fewer runs, but not fewer than above. */
const MAX_BLOCKS = 4_000_000;
const SEED = 20_240_229;
const MINUTE_MS = 60_000;

/** For each threshold, in how many minutes every run reached it; Infinity when it did not. */
function simulate(
  { target, requestsPerMinute, clusterSize = 1 }: OddsQuestion,
  blocks: readonly PlannedBlock[],
  share: number,
  thresholds: readonly number[],
): number[][] {
  const runs = Math.min(MAX_RUNS, Math.max(MIN_RUNS, Math.floor(MAX_BLOCKS / Math.max(1, blocks.length))));
  const random = seededRandom(SEED);
  const evidence = Float64Array.from(noEvidence);
  const highest = Math.max(...thresholds);
  const reached = thresholds.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    evidence.fill(0);
    const minutes = thresholds.map(() => Infinity);
    for (const { fromMs, lengthMs, startWeight } of blocks) {
      const requests = (requestsPerMinute * lengthMs) / MINUTE_MS;
      const bad = drawBad(random, requests * share, clusterSize);
      const total = bad + random.poisson(requests * (1 - share));
      addBlockInPlace(evidence, bad, total, target, startWeight);
      const value = evidenceValue(evidence);
      for (const [index, each] of thresholds.entries())
        if (value >= each) minutes[index] = Math.min(minutes[index]!, (fromMs + lengthMs) / MINUTE_MS);
      if (value >= highest) break;
    }
    for (const [index, each] of minutes.entries()) reached[index]!.push(each);
  }
  return reached;
}

function drawBad(random: SeededRandom, mean: number, clusterSize: number): number {
  if (clusterSize <= 1) return random.poisson(mean);
  let bad = 0;
  for (let clusters = random.poisson(mean / clusterSize); clusters > 0; clusters--)
    bad += random.geometric(clusterSize);
  return bad;
}

function seenPercent(minutes: readonly number[]): number {
  return (100 * minutes.filter((each) => each < Infinity).length) / minutes.length;
}

function quantile(minutes: readonly number[], share: number): number | undefined {
  const value = minutes.toSorted((a, b) => a - b)[Math.ceil(share * minutes.length) - 1];
  return value === undefined || value === Infinity ? undefined : value;
}
