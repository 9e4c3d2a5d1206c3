import { baselineTarget } from "./baseline-target.ts";
import { addBlockInPlace, evidenceValue, noEvidence } from "./block-evidence.ts";
import { controlBlock } from "./control-block.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";
import { startWeight, type Epoch } from "./spending.ts";

/** What a watch really had to look at in an epoch: how many blocks, and the requests in all of them. */
export interface Exposure {
  blocks: number;
  total: number;
  /** Of the control, where it is compared with one. */
  control: number;
}

export interface PowerQuestion {
  /** The share of bad requests, from the beginning, that should have been seen. */
  share: number;
  target: number;
  /** The e-value at which the watch acts. */
  threshold: number;
  /**
   * For a comparison with a control of which this share is bad; `floor` must be exceeded as well. Without `plus` errors
   * are compared with errors. With it `target` is not used: each block is held against the highest share that the
   * control may have by what was seen of it until then, times `times` and plus `plus`, which is much in the beginning.
   */
  control?: { share: number; times: number; plus?: number; floor: number } | undefined;
}

export interface WatchPower {
  /** With what odds, 0 to 1, what there was to look at would have reached the threshold. */
  odds: number;
  /** So many requests in all, at the same traffic, would have reached it with 95 %; undefined when no number does. */
  neededRequests: number | undefined;
}

/**
 * Whether a watch that saw nothing wrong could have seen it, had it been there. Blocks of one epoch count as equally
 * large. By simulation with a fixed seed, standard error of the odds at most 0.05, near 0.95 at most 0.01; the same question has the same answer.
 */
export function watchPower(
  epochs: readonly Epoch[],
  seen: readonly Exposure[],
  question: PowerQuestion,
): WatchPower {
  const blocks = [...seenBlocks(epochs, seen), ...furtherBlocks(epochs, seen)];
  const seenCount = seen.reduce((sum, each) => sum + each.blocks, 0);
  if (blocks.every(({ mean }) => mean === 0)) return { odds: 0, neededRequests: undefined };
  const targetAt = targetsOf(blocks, question);
  const random = seededRandom(SEED);
  const evidence = Float64Array.from(noEvidence);
  const floorEvidence = Float64Array.from(noEvidence);
  /** In which block each run reached it. */
  const reached: number[] = [];
  while (reached.length < RUNS && !isPlain(reached, seenCount)) {
    evidence.fill(0);
    floorEvidence.fill(0);
    const index = blocks.findIndex((block, at) => {
      addRandomBlock(evidence, floorEvidence, random, block, { ...question, target: targetAt(at) });
      const value = evidenceValue(evidence);
      if (value < question.threshold) return false;
      return (question.control?.floor ?? 0) === 0 || evidenceValue(floorEvidence) >= question.threshold;
    });
    reached.push(index === -1 ? Infinity : index);
  }
  const sooner = reached.toSorted((a, b) => a - b);
  const last = sooner[Math.ceil(CONFIDENCE * sooner.length) - 1]!;
  const needed = blocks.slice(0, last + 1).reduce((sum, { mean }) => sum + mean, 0);
  return {
    odds: sooner.filter((index) => index < seenCount).length / sooner.length,
    neededRequests: last === Infinity ? undefined : Math.ceil(needed),
  };
}

const RUNS = 1000;
const SEED = 20_240_229;
const CONFIDENCE = 0.95;
/** After so many runs it may be plain that far too few of them, or all, reach it. */
const FIRST_RUNS = 100;
const FAR_TOO_FEW = 0.8;
const ENOUGH_RUNS = 200;
/** How much longer a watch is thought to go on, some ten hours. */
const MAX_FURTHER_BLOCKS = 600;

function isPlain(reached: readonly number[], seenCount: number): boolean {
  if (reached.length !== FIRST_RUNS && reached.length !== ENOUGH_RUNS) return false;
  const seen = reached.filter((index) => index < seenCount).length;
  if (seen < FAR_TOO_FEW * reached.length) return true;
  return seen === reached.length && reached.length === ENOUGH_RUNS;
}

/** Means of the requests of one block, and what is staked on a regression that begins with it. */
interface MeanBlock {
  mean: number;
  controlMean: number;
  weight: number;
}

function seenBlocks(epochs: readonly Epoch[], seen: readonly Exposure[]): MeanBlock[] {
  return seen.flatMap(({ blocks, total, control }, index) =>
    Array.from({ length: epochs[index] === undefined ? 0 : blocks }, (_, block): MeanBlock => {
      const { fromMs, blockMs } = epochs[index]!;
      const weight = startWeight(epochs, fromMs + block * blockMs);
      return { mean: total / blocks, controlMean: control / blocks, weight };
    }),
  );
}

/** How it would go on with the same traffic. */
function furtherBlocks(epochs: readonly Epoch[], seen: readonly Exposure[]): MeanBlock[] {
  let [lengthMs, total, control] = [0, 0, 0];
  for (const [index, each] of seen.entries()) {
    lengthMs += each.blocks * (epochs[index]?.blockMs ?? 0);
    total += each.total;
    control += each.control;
  }
  const current = epochs[Math.max(0, seen.length - 1)];
  if (current === undefined) return [];
  const meanOf = (sum: number, blockMs: number): number => (lengthMs > 0 ? (sum * blockMs) / lengthMs : 0);
  const further: MeanBlock[] = [];
  let atMs = current.fromMs + (seen.at(-1)?.blocks ?? 0) * current.blockMs;
  while (further.length < MAX_FURTHER_BLOCKS) {
    const { blockMs } = epochs.find(({ toMs }) => atMs < toMs) ?? epochs.at(-1)!;
    further.push({
      mean: meanOf(total, blockMs),
      controlMean: meanOf(control, blockMs),
      weight: startWeight(epochs, atMs),
    });
    atMs += blockMs;
  }
  return further;
}

/** What each block is held against; NaN: nothing, because every share is allowed. */
function targetsOf(
  blocks: readonly MeanBlock[],
  { target, control }: PowerQuestion,
): (index: number) => number {
  if (control === undefined || (control.plus ?? 0) === 0) return () => target;
  const targets: number[] = [];
  let total = 0;
  return (index) => {
    for (let next = targets.length; next <= index; next++) {
      total += blocks[next]!.controlMean;
      targets.push(baselineTarget({ bad: control.share * total, total }, control, 0) ?? NaN);
    }
    return targets[index]!;
  };
}

function addRandomBlock(
  evidence: Float64Array,
  floorEvidence: Float64Array,
  random: SeededRandom,
  { mean, controlMean, weight }: MeanBlock,
  { share, target, control }: PowerQuestion,
): void {
  const bad = random.poisson(mean * share);
  const total = bad + random.poisson(mean * (1 - share));
  if (control !== undefined && control.floor > 0)
    addBlockInPlace(floorEvidence, bad, total, control.floor, weight);
  if (Number.isNaN(target)) return;
  if (control === undefined || (control.plus ?? 0) !== 0)
    return addBlockInPlace(evidence, bad, total, target, weight);
  const other = random.poisson(controlMean * control.share);
  const others = other + random.poisson(controlMean * (1 - control.share));
  const compared = controlBlock({ bad, total }, { bad: other, total: others }, control.times);
  if (compared === undefined) return;
  addBlockInPlace(evidence, compared.block.bad, compared.block.total, compared.target, weight);
}
