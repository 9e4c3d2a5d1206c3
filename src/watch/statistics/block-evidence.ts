/**
 * Evidence that a share of bad requests is above its target, gathered block by block (10 s, 30 s, a minute): one
 * number for each size of regression that is looked for. Plain JSON; never negative, never NaN.
 *
 * What one block can say is capped. A test that counts requests takes thirty errors for thirty witnesses; if they
 * came from one client that retries, or from one route that broke for some seconds, they are one. Here a block with
 * `bad` of `total` multiplies the evidence by (1 + g · bad) / (1 + g · target · total). That is linear in `bad`, so its
 * mean is at most 1 while the expected share is at most the target, however the requests of one block depend on each
 * other: only blocks have to be fair, not requests (betting on a bounded mean, https://doi.org/10.1093/jrsssb/qkad009).
 * For one request a block this is the likelihood ratio; at high traffic it is the ratio of the observed to the allowed
 * number. It is also at most 10, so that a burst which lies across the border of two blocks cannot decide alone.
 *
 * The price is time: an outage is seen with the third block, not with the first. Errors that stay longer than a block
 * and are no regression need longer blocks (see dispersion.ts).
 */
export type BlockEvidence = readonly number[];

/** Requests of one block: 0 ≤ bad ≤ total, finite. */
export interface Block {
  bad: number;
  total: number;
}

export const noEvidence: BlockEvidence = [0, 0, 0, 0, 0, 0];

/**
 * The evidence after one more block. `target` is the share, above 0 and below 1, that the block's expected share is
 * held against; it may differ from block to block. `startWeight` is what is staked on a regression that begins with
 * this block; over a whole watch the weights add up to at most 1 (see `startWeight` in spending.ts).
 */
export function addBlock(
  evidence: BlockEvidence,
  block: Block,
  target: number,
  startWeight: number,
): BlockEvidence {
  const next = [...evidence];
  addBlockInPlace(next, block.bad, block.total, target, startWeight);
  return next;
}

/** The same for simulations, which have millions of blocks. */
export function addBlockInPlace(
  evidence: number[] | Float64Array,
  bad: number,
  total: number,
  target: number,
  startWeight: number,
): void {
  const allowed = target * total;
  for (let index = 0; index < ODDS_RATIOS.length; index++) {
    const rise = ODDS_RATIOS[index]! - 1;
    // With g = rise / (1 + target * rise).
    const scale = 1 + target * rise;
    const factor = Math.min(MAX_FACTOR, (scale + rise * bad) / (scale + rise * allowed));
    const before = (evidence[index] ?? 0) + startWeight;
    evidence[index] = Math.min(MAX_EVIDENCE, before * factor);
  }
}

/**
 * The e-value of a watch so far. While the true share is at most the target it reaches 1/α at any time of the watch
 * with odds of at most α (Ville's inequality).
 */
export function evidenceValue(evidence: BlockEvidence | Float64Array): number {
  let sum = 0;
  for (let index = 0; index < PRIOR.length; index++) sum += PRIOR[index]! * (evidence[index] ?? 0);
  return sum;
}

/** The sizes of a regression that are looked for: by how much the odds of a bad request rise. */
export const ODDS_RATIOS = [1.5, 2.5, 5, 10, 30, 100] as const;
/** What is staked on each of them. */
export const PRIOR = [0.1, 0.2, 0.35, 0.2, 0.1, 0.05] as const;
/** What one block may multiply the evidence by. Less than it says does no harm to the guarantee. */
const MAX_FACTOR = 10;
/** Finite, so that it can be stored. */
const MAX_EVIDENCE = 1e300;
