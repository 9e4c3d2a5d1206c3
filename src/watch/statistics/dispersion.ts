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
 * a block from which on longer ones hardly vary any more than shorter ones (block averaging, Flyvbjerg and Petersen,
 * https://doi.org/10.1063/1.457480). A client that retries stays within one block; a dependency that is slow for two
 * minutes does not, and blocks of a watch must be longer than that to be fair. 0 where nothing speaks for longer blocks.
 * At most a quarter of an hour: what stays longer is believed to be real. Slow changes over a day are no bursts: only
 * each block and its next one are compared (von Neumann's ratio, https://doi.org/10.1214/aoms/1177731677).
 */
export function burstMs(blocks: readonly Block[], blockMs: number): number {
  const levels: { lengthMs: number; dispersion: number; count: number }[] = [];
  let isCertain = false;
  let current = blocks;
  for (let lengthMs = blockMs; lengthMs <= MAX_BURST_MS; lengthMs *= 2) {
    const bad = current.reduce((sum, block) => sum + block.bad, 0);
    const total = current.reduce((sum, block) => sum + block.total, 0);
    if (current.length < MIN_BLOCKS || bad < MIN_BAD || bad >= total) break;
    const dispersion = successiveDispersion(current, bad / total);
    const shortest = levels[0]?.dispersion ?? dispersion;
    // Of a dispersion of independent counts: the variance of a variance, and that of rare events.
    const noise = shortest * Math.sqrt(3 / current.length + 1 / bad);
    if (dispersion - shortest > MIN_NOISE * noise) isCertain = true;
    levels.push({ lengthMs, dispersion, count: current.length });
    current = pairs(current);
  }
  if (!isCertain) return 0;
  const isFlatFrom = (index: number): boolean =>
    levels.slice(index + 1).every(({ dispersion, count }) => {
      const allowed = 1 / FLAT + ALLOWED_NOISE * Math.sqrt(3 / count);
      return dispersion <= allowed * levels[index]!.dispersion;
    });
  return levels[levels.findIndex((_, index) => isFlatFrom(index))]!.lengthMs;
}

const MIN_BLOCKS = 10;
const MIN_BAD = 5;
const FLAT = 0.85;
/** Standard deviations: to believe in bursts at all, and to believe that a level is higher than another. */
const MIN_NOISE = 4;
const ALLOWED_NOISE = 2;
const MAX_BURST_MS = 15 * 60_000;

function pairs(blocks: readonly Block[]): Block[] {
  return Array.from({ length: Math.floor(blocks.length / 2) }, (_, index) => {
    const [first, second] = [blocks[2 * index]!, blocks[2 * index + 1]!];
    return { bad: first.bad + second.bad, total: first.total + second.total };
  });
}

/** The variance of the counts by the differences of neighbours, over that of independent requests with this share. */
function successiveDispersion(blocks: readonly Block[], share: number): number {
  let squares = 0;
  let expected = 0;
  for (let index = 1; index < blocks.length; index++) {
    const [before, now] = [blocks[index - 1]!, blocks[index]!];
    squares += (now.bad - before.bad - share * (now.total - before.total)) ** 2;
    expected += (now.total + before.total) * share * (1 - share);
  }
  return expected > 0 ? squares / expected : 0;
}
