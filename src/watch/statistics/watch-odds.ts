import { addBlockInPlace, evidenceValue, noEvidence } from "./block-evidence.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";
import {
  holdAlpha,
  plannedBlocks,
  ROLLBACK_ALPHA,
  threshold,
  type Cadence,
  type PlannedBlock,
} from "./spending.ts";

/** What a plan knows of a rule in confident mode before the release. */
export interface OddsQuestion {
  /** The share that the rule does not allow to be exceeded. */
  target: number;
  /** The share that was measured before, or is assumed of a healthy release. */
  healthyShare: number;
  requestsPerMinute: number;
  durationMs: number;
  /** The odds of a false alarm that the rule may have in the whole watch, 0 to 1; 0.01 when left out. */
  alpha?: number;
  /** 1 when left out. */
  gatingRules?: number;
  /** See epochsOf. */
  minBlockMs?: number;
  /** How often it looks; as soon as it is of use when left out. */
  cadences?: readonly Cadence[];
  /** It rolls back no sooner: a comparison, before it is known how traffic is shared out. 0 when left out. */
  notBeforeMs?: number;
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
  /**
   * After this many requests without a rollback three times the target would have been seen with 95 %: what a watch
   * needs to pass. Undefined when it cannot be had within the watch.
   */
  neededRequests: number | undefined;
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
 * The odds by simulation with a fixed seed: the same question has the same answer. The standard error is about one
 * percentage point at the most; the time is bounded, below a second.
 */
export function watchOdds(question: OddsQuestion): WatchOdds {
  const blocks = plannedBlocks(question.durationMs, question.minBlockMs, question.cadences);
  const rules = question.gatingRules ?? 1;
  const { alpha = ROLLBACK_ALPHA } = question;
  const rollbackAt = threshold(alpha, rules);
  const holdAt = threshold(holdAlpha(alpha), rules);
  const [held, rolledBack] = simulate(question, blocks, question.healthyShare, [holdAt, rollbackAt]);
  const detect = (times: number): Detection => {
    const share = Math.min(1, times * question.target);
    const [minutes] = simulate(question, blocks, share, [rollbackAt]);
    return {
      times,
      share,
      seenPercent: seenPercent(minutes!),
      medianMinutes: quantile(minutes!, 0.5),
      p95Minutes: quantile(minutes!, 0.95),
    };
  };
  const neededMinutes = detect(PASS_TIMES).p95Minutes;
  return {
    falseRollbackPercent: seenPercent(rolledBack!),
    falseHoldPercent: seenPercent(held!),
    detection: SEEN_TIMES.filter((times) => times * question.target <= 1).map(detect),
    neededRequests:
      neededMinutes === undefined ? undefined : Math.ceil(neededMinutes * question.requestsPerMinute),
  };
}

const SEEN_TIMES = [2, 5, 10] as const;
const PASS_TIMES = 3;
const MAX_RUNS = 10_000;
const MIN_RUNS = 2000;
/** Blocks that are simulated for one share; a long watch gets fewer runs, but not fewer than above. */
const MAX_BLOCKS = 2_000_000;
const SEED = 20_240_229;
const MINUTE_MS = 60_000;

/** For each threshold, which rise, in how many minutes every run reached it; Infinity when it did not. */
function simulate(
  { target, requestsPerMinute, notBeforeMs = 0, clusterSize = 1 }: OddsQuestion,
  blocks: readonly PlannedBlock[],
  share: number,
  thresholds: readonly number[],
): number[][] {
  const runs = Math.min(MAX_RUNS, Math.max(MIN_RUNS, Math.floor(MAX_BLOCKS / Math.max(1, blocks.length))));
  const random = seededRandom(SEED);
  const evidence = Float64Array.from(noEvidence);
  const reached = thresholds.map((): number[] => Array.from({ length: runs }, () => Infinity));
  for (let run = 0; run < runs; run++) {
    evidence.fill(0);
    let next = 0;
    for (const { fromMs, lengthMs, startWeight } of blocks) {
      const requests = (requestsPerMinute * lengthMs) / MINUTE_MS;
      const bad = drawBad(random, requests * share, clusterSize);
      const total = bad + random.poisson(requests * (1 - share));
      addBlockInPlace(evidence, bad, total, target, startWeight);
      if (fromMs + lengthMs < notBeforeMs) continue;
      const value = evidenceValue(evidence);
      while (next < thresholds.length && value >= thresholds[next]!)
        reached[next++]![run] = (fromMs + lengthMs) / MINUTE_MS;
      if (next === thresholds.length) break;
    }
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
