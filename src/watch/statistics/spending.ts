const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The risk of rolling back a release whose share is at its target, in a whole watch with one gating rule. */
export const ROLLBACK_ALPHA = 0.01;
/** Holding is cheap and can be taken back: it may be wrong this many times as often. */
const HOLD_TIMES = 10;
const MAX_HOLD_ALPHA = 0.5;

/** The risk of only not advancing any further, for a rule with this risk of rolling back. */
export function holdAlpha(alpha: number): number {
  return Math.min(MAX_HOLD_ALPHA, HOLD_TIMES * alpha);
}

/** A part of a watch with its own part of the risk, counted from the moment that traffic changed. */
export interface Epoch {
  fromMs: number;
  toMs: number;
  /** Of the whole risk; over a watch they add up to at most 1. */
  share: number;
  /** Length of the blocks in which it counts (see block-evidence.ts). */
  blockMs: number;
}

/**
 * The epochs of a watch: 0 to 5 min, 5 to 30 min, then 30 min each. A quarter of the risk goes to each of the first
 * 5 minutes, the rest of the first half hour, the rest of the first 2 hours and what comes after them, up to 24 h or
 * to the end of a watch that is longer; inside these it is split evenly. A watch that ends early has spent less.
 *
 * Blocks are short where a gross regression must be seen soon, and longer later. `minBlockMs` makes all of them at
 * least as long (see `burstMs` in dispersion.ts); less than 10 s, when bursts are known to be shorter, makes all of
 * them shorter in proportion, to a second at the least. 0 when nothing is known.
 */
export function epochsOf(durationMs: number, minBlockMs = 0): Epoch[] {
  const lastMs = Math.max(durationMs, 24 * HOUR_MS);
  const firstMs = STAGES[0].blockMs;
  const scale = minBlockMs > 0 ? Math.min(firstMs, Math.max(MIN_BLOCK_MS, minBlockMs)) / firstMs : 1;
  return STAGES.flatMap(({ fromMs, toMs, blockMs }) => {
    const endMs = Math.min(toMs, lastMs);
    const lengthMs = fromMs < 30 * MINUTE_MS ? endMs - fromMs : 30 * MINUTE_MS;
    const count = Math.ceil((endMs - fromMs) / lengthMs);
    return Array.from({ length: count }, (_, index): Epoch => {
      const startMs = fromMs + index * lengthMs;
      return {
        fromMs: startMs,
        toMs: Math.min(endMs, startMs + lengthMs),
        share: 1 / STAGES.length / count,
        blockMs: Math.max(blockMs * scale, minBlockMs),
      };
    }).filter((epoch) => epoch.fromMs < durationMs);
  });
}

/** The epoch in which a block begins; undefined outside the watch. */
export function epochAt(epochs: readonly Epoch[], elapsedMs: number): Epoch | undefined {
  return epochs.find(({ fromMs, toMs }) => elapsedMs >= fromMs && elapsedMs < toMs);
}

/**
 * What is staked on a regression that begins with the block which begins at `elapsedMs`: half of the epoch's share
 * on its first block, for that is when something was changed or switched on, and the rest evenly on all blocks.
 * 0 outside the watch. Over a watch whose blocks are no shorter than `blockMs` these add up to at most 1.
 */
export function startWeight(epochs: readonly Epoch[], elapsedMs: number): number {
  const epoch = epochAt(epochs, elapsedMs);
  if (epoch === undefined) return 0;
  const blocks = Math.max(1, Math.ceil((epoch.toMs - epoch.fromMs) / epoch.blockMs));
  const isFirst = elapsedMs < epoch.fromMs + epoch.blockMs;
  const rest = (1 - FIRST_BLOCK_SHARE) / blocks;
  return epoch.share * (isFirst ? FIRST_BLOCK_SHARE + rest : rest);
}

/** A block of a watch whose looks are never late. */
export interface PlannedBlock {
  fromMs: number;
  lengthMs: number;
  /** What is staked on a regression that begins with it. */
  startWeight: number;
}

/** How often a watch looks: every so often from where the one before ends until `untilMs`, and then at `untilMs`. */
export interface Cadence {
  untilMs: number;
  everyMs: number;
}

/**
 * All blocks of a watch, one after another; the last one is cut at its end. A block ends with a look: without a cadence
 * there is one whenever it is full.
 */
export function plannedBlocks(
  durationMs: number,
  minBlockMs = 0,
  cadences: readonly Cadence[] = [],
): PlannedBlock[] {
  const epochs = epochsOf(durationMs, minBlockMs);
  const blocks: PlannedBlock[] = [];
  let fromMs = 0;
  for (let epoch = epochAt(epochs, 0); epoch !== undefined; epoch = epochAt(epochs, fromMs)) {
    const lengthMs = Math.min(nextLook(cadences, fromMs + epoch.blockMs), durationMs) - fromMs;
    if (lengthMs <= 0) break;
    blocks.push({ fromMs, lengthMs, startWeight: startWeight(epochs, fromMs) });
    fromMs += lengthMs;
  }
  return blocks;
}

/** When the `count`th look is made, in ms since the beginning; the last cadence goes on. 0 without a cadence. */
export function lookAtMs(cadences: readonly Cadence[], count: number): number {
  let atMs = 0;
  for (let look = 0; look < count; look++) atMs = nextLook(cadences, atMs + 1);
  return cadences.length === 0 ? 0 : atMs;
}

/** The first look at that time or later; the last cadence goes on. */
function nextLook(cadences: readonly Cadence[], atMs: number): number {
  const index = cadences.findIndex(({ untilMs }) => atMs <= untilMs);
  const cadence = index === -1 ? cadences.at(-1) : cadences[index];
  if (cadence === undefined) return atMs;
  const beginMs = (index === -1 ? cadence : cadences[index - 1])?.untilMs ?? 0;
  const lookMs = beginMs + Math.ceil((atMs - beginMs) / cadence.everyMs) * cadence.everyMs;
  return index === -1 ? lookMs : Math.min(lookMs, cadence.untilMs);
}

/** The e-value from which a watch with this many gating rules acts: 1/α, the risk divided among the rules. */
export function threshold(alpha: number, gatingRules: number): number {
  return Math.max(1, gatingRules) / alpha;
}

const FIRST_BLOCK_SHARE = 0.5;
const MIN_BLOCK_MS = 1000;
const STAGES = [
  { fromMs: 0, toMs: 5 * MINUTE_MS, blockMs: 10_000 },
  { fromMs: 5 * MINUTE_MS, toMs: 30 * MINUTE_MS, blockMs: 30_000 },
  { fromMs: 30 * MINUTE_MS, toMs: 2 * HOUR_MS, blockMs: MINUTE_MS },
  { fromMs: 2 * HOUR_MS, toMs: Infinity, blockMs: MINUTE_MS },
] as const;
