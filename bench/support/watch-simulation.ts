import {
  addBlockInPlace,
  evidenceValue,
  noEvidence,
  type Block,
} from "../../src/watch/statistics/block-evidence.ts";
import { burstMs } from "../../src/watch/statistics/dispersion.ts";
import { seededRandom } from "../../src/watch/statistics/seeded-random.ts";
import {
  epochAt,
  epochsOf,
  holdAlpha,
  plannedBlocks,
  ROLLBACK_ALPHA,
  startWeight,
  threshold,
  type PlannedBlock,
} from "../../src/watch/statistics/spending.ts";
import { startFold } from "./watch-by-fold.ts";
import { trafficOf, type Noise, type Traffic } from "./watch-noise.ts";
import type { Minutes, Peer } from "./watch-peers.ts";

/** Releases of one kind, all of them watched with "errors above 1 %" for `minutes`. */
export interface Cell {
  noise: Noise;
  requestsPerMinute: number;
  /** The share of bad requests of the release, from its first second. */
  share: number;
  /** The share before the release; the length of the blocks is learned from it. */
  shareBefore: number;
  minutes: number;
  runs: number;
  seed: number;
}

/**
 * For each rule after how many minutes it acted, Infinity when it did not: first our rollback, then our hold (only not
 * to advance), then the peers.
 */
export type Outcome = number[][];

/** The same cell has the same outcome on every machine. */
export function simulateCell(cell: Cell, peers: readonly Peer[]): Outcome {
  const random = seededRandom(cell.seed);
  const open = (share: number): Traffic => trafficOf(cell.noise, random, cell.requestsPerMinute, share);
  const daysBefore = Array.from({ length: DAYS_BEFORE }, () => learnBurstMs(open(cell.shareBefore)));
  const slots = plannedBlocks(cell.minutes * MINUTE_MS);
  const plans = daysBefore.map((burst) => planOf(burst, slots));
  const durationMs = cell.minutes * MINUTE_MS;
  const minutes: Minutes = {
    bad: new Float64Array(cell.minutes + 1),
    total: new Float64Array(cell.minutes + 1),
  };
  const outcome: Outcome = Array.from({ length: OURS + peers.length }, () => []);
  for (let run = 0; run < cell.runs; run++) {
    const traffic = open(cell.share);
    const ours = startOurs(plans[run % DAYS_BEFORE]!);
    const fold = run < CHECKED_RUNS ? startFold(durationMs, daysBefore[run % DAYS_BEFORE]!) : undefined;
    const rules = peers.map((peer) => peer.start());
    const times = outcome.map(() => Infinity);
    let left = times.length;
    let [bad, total] = [0, 0];
    for (let slot = 0; slot < slots.length; slot++) {
      const { fromMs, lengthMs } = slots[slot]!;
      const block = traffic.block(fromMs, lengthMs);
      bad += block.bad;
      total += block.total;
      const minute = (fromMs + lengthMs) / MINUTE_MS;
      fold?.take(fromMs, fromMs + lengthMs, block);
      const value = ours(slot, fromMs + lengthMs, block);
      if (value >= HOLD_AT && times[1] === Infinity) {
        times[1] = minute;
        left--;
      }
      if (value >= ROLLBACK_AT && times[0] === Infinity) {
        times[0] = minute;
        left--;
      }
      if (Number.isInteger(minute)) {
        minutes.bad[minute] = bad;
        minutes.total[minute] = total;
        for (let index = 0; index < rules.length; index++) {
          if (times[OURS + index] !== Infinity || !rules[index]!(minutes, minute)) continue;
          times[OURS + index] = minute;
          left--;
        }
      }
      if (left === 0) break;
    }
    for (const [index, time] of times.entries()) outcome[index]!.push(time);
    if (fold !== undefined) checkEqual(fold.decided(), times, cell);
  }
  return outcome;
}

/** What is measured is a shorter form of what a watch does, look by look; it must decide at the same time. */
function checkEqual(
  { rolledBack, held }: { rolledBack: number; held: number },
  times: readonly number[],
  cell: Cell,
): void {
  if (rolledBack === times[0] && held === times[1]) return;
  const decided = `the watch rolls back after ${rolledBack} min and holds after ${held} min`;
  throw new Error(`${decided}, measured were ${times[0]} and ${times[1]}: ${JSON.stringify(cell)}`);
}

/** The share of the runs that were rolled back, in percent. */
export function rolledBackPercent(times: readonly number[]): number {
  return (100 * times.filter((time) => time < Infinity).length) / times.length;
}

/** The quantile over all runs, also those that were not rolled back. */
export function minutesAt(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1]!;
}

/** Where the peers begin in an outcome. */
export const OURS = 2;
/** So many runs of a cell are decided by the whole fold as well. */
export const CHECKED_RUNS = 6;

const ROLLBACK_AT = threshold(ROLLBACK_ALPHA, 1);
const HOLD_AT = threshold(holdAlpha(ROLLBACK_ALPHA), 1);
const DAYS_BEFORE = 10;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const RESOLUTION_MS = 10_000;
const TARGET = 0.01;

function learnBurstMs(traffic: Traffic): number {
  const day = Array.from({ length: DAY_MS / RESOLUTION_MS }, (_, index) =>
    traffic.block(index * RESOLUTION_MS, RESOLUTION_MS),
  );
  return burstMs(day, RESOLUTION_MS);
}

/** For a block that begins with a slot: what is staked on it, and how long it is at least. */
interface Plan {
  startWeight: Float64Array;
  blockMs: Float64Array;
}

function planOf(burst: number, slots: readonly PlannedBlock[]): Plan {
  const epochs = epochsOf(DAY_MS, burst);
  return {
    startWeight: Float64Array.from(slots, ({ fromMs }) => startWeight(epochs, fromMs)),
    blockMs: Float64Array.from(slots, ({ fromMs }) => epochAt(epochs, fromMs)!.blockMs),
  };
}

/** Gathers looks into blocks, as long as the epoch asks for; the e-value after each block, 0 inside of it. */
function startOurs(plan: Plan): (slot: number, toMs: number, look: Block) => number {
  const evidence = Float64Array.from(noEvidence);
  let [first, fromMs, bad, total] = [0, 0, 0, 0];
  return (slot, toMs, look) => {
    bad += look.bad;
    total += look.total;
    if (toMs - fromMs < plan.blockMs[first]!) return 0;
    addBlockInPlace(evidence, bad, total, TARGET, plan.startWeight[first]!);
    [first, fromMs, bad, total] = [slot + 1, toMs, 0, 0];
    return evidenceValue(evidence);
  };
}
