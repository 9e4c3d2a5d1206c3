import type { Block } from "./block-evidence.ts";

/**
 * How much more the counts of bad requests vary than independent ones: their variance over that of independent
 * requests with the same overall share, at least 1. Errors in clusters of mean size m (geometric) give 2m − 1. 1 where
 * there is too little to tell.
 */
export function dispersionOf(blocks: readonly Block[]): number {
  const seen = blocks.filter(({ total }) => total > 0);
  const total = seen.reduce((sum, block) => sum + block.total, 0);
  const bad = seen.reduce((sum, block) => sum + block.bad, 0);
  const share = bad / total;
  if (seen.length < MIN_BLOCKS || bad < MIN_BAD || share >= 1) return 1;
  const squares = seen.reduce((sum, block) => {
    const expected = share * block.total;
    return sum + (block.bad - expected) ** 2 / (expected * (1 - share));
  }, 0);
  return Math.max(1, squares / (seen.length - 1));
}

/**
 * How long errors stay when they are no regression, from blocks of `blockMs` before the release: the shortest length of
 * a block from which on longer ones do not vary any more than shorter ones (block averaging, Flyvbjerg and Petersen,
 * https://doi.org/10.1063/1.457480). A client that retries stays within one block; a dependency that is slow for two
 * minutes does not, and blocks of a watch must be longer than that to be fair. 0 where nothing speaks for longer blocks.
 * At most a quarter of an hour: what stays longer is believed to be real.
 */
export function burstMs(blocks: readonly Block[], blockMs: number): number {
  let shorter = blocks;
  let burst = 0;
  for (let lengthMs = blockMs; 2 * lengthMs <= MAX_BURST_MS; lengthMs *= 2) {
    const longer = pairs(shorter);
    const before = dispersionOf(shorter);
    const after = dispersionOf(longer);
    const bad = longer.reduce((sum, block) => sum + block.bad, 0);
    // Of the difference when there is none: the variance of a variance, and that of rare counts.
    const noise = before * Math.sqrt(2 / longer.length + 1 / Math.max(1, bad));
    if (after > GROWTH * before && after - before > MIN_NOISE * noise) burst = 2 * lengthMs;
    shorter = longer;
  }
  return burst;
}

const MIN_BLOCKS = 10;
const MIN_BAD = 5;
const GROWTH = 1.15;
const MIN_NOISE = 2;
const MAX_BURST_MS = 15 * 60_000;

function pairs(blocks: readonly Block[]): Block[] {
  return Array.from({ length: Math.floor(blocks.length / 2) }, (_, index) => {
    const [first, second] = [blocks[2 * index]!, blocks[2 * index + 1]!];
    return { bad: first.bad + second.bad, total: first.total + second.total };
  });
}
