import { betaQuantile } from "./incomplete-beta.ts";

/**
 * The one-sided upper bound of Clopper and Pearson (https://doi.org/10.1093/biomet/26.4.404) for a share of which
 * `bad` of `total` were seen: the true share is at most this with the given confidence, 0 to 1, whatever it is.
 * 1 when nothing was seen.
 */
export function upperBound(bad: number, total: number, confidence: number): number {
  if (!isCount(bad, total) || !(confidence > 0 && confidence < 1)) return NaN;
  if (bad === total) return 1;
  return betaQuantile(confidence, bad + 1, total - bad);
}

/** The one-sided lower bound; 0 when nothing bad was seen. */
export function lowerBound(bad: number, total: number, confidence: number): number {
  if (!isCount(bad, total) || !(confidence > 0 && confidence < 1)) return NaN;
  if (bad === 0) return 0;
  return betaQuantile(1 - confidence, bad, total - bad + 1);
}

function isCount(bad: number, total: number): boolean {
  return bad >= 0 && total >= bad && total < Infinity;
}
