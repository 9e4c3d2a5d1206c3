import { upperBound } from "./share-bounds.ts";

/** What a success criterion ("errors below 1 %") has to show: not that nothing bad was seen, but that it is good. */
export interface Proof {
  isProven: boolean;
  /** The true share is at most this with a confidence of 95 %. */
  upperBound: number;
  /** More requests that would prove it if all of them were good; 0 when it is proven. */
  missingRequests: number;
}

/** Whether `bad` of `total` prove that the true share is below `target`, 0 to 1. */
export function proofOfGood(bad: number, total: number, target: number): Proof {
  const bound = upperBound(bad, total, PROOF_CONFIDENCE);
  if (bound < target) return { isProven: true, upperBound: bound, missingRequests: 0 };
  return {
    isProven: false,
    upperBound: bound,
    missingRequests: Math.max(1, requestsToProve(target, bad) - total),
  };
}

/**
 * The smallest number of requests of which `bad` bad ones still prove a share below `target`. For none bad it is
 * log(0.05) / log(1 − target), about 3 / target (the rule of three, https://doi.org/10.1001/jama.1983.03330370053031).
 * Infinity for a target of 0.
 */
export function requestsToProve(target: number, bad = 0): number {
  if (!(target >= 0 && target <= 1 && bad >= 0)) return NaN;
  if (target === 0) return Infinity;
  let enough = bad + 1;
  while (upperBound(bad, enough, PROOF_CONFIDENCE) >= target) enough *= 2;
  let tooFew = Math.max(bad, Math.floor(enough / 2));
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (upperBound(bad, middle, PROOF_CONFIDENCE) < target) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/**
 * The same for a service whose true share is `healthyShare`: how many requests it needs so that the expected number
 * of bad ones still proves it. Infinity when it is not below the target.
 */
export function requestsToProveAt(target: number, healthyShare: number): number {
  if (!(healthyShare >= 0 && healthyShare < target)) return Infinity;
  let needed = requestsToProve(target);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = requestsToProve(target, Math.ceil(needed * healthyShare));
    if (next <= needed) return needed;
    needed = next;
  }
  return Infinity;
}

const PROOF_CONFIDENCE = 0.95;
/** Each round adds at least one request; a share this near to its target is never proven in practice. */
const MAX_ROUNDS = 1000;
