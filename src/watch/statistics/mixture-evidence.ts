import { logBetaAbove } from "./incomplete-beta.ts";
import { logBeta } from "./log-gamma.ts";

/**
 * The natural logarithm of the e-value of `bad` of `total` against "the true share is at most `target`": the
 * likelihood under Beta(½, 2), restricted to shares above the target, over the likelihood at the target. While the
 * claim is true it exceeds log(1/α) at any time of looking with odds of at most α (Ville's inequality), if what is
 * counted is independent. Counts need not be whole.
 *
 * Everything stays a logarithm: where nothing of the restricted likelihood is left the result is −∞, never a small
 * number, which the division would turn into evidence. NaN for counts or targets that cannot be.
 */
export function logMixtureEvidence(bad: number, total: number, target: number): number {
  if (!(bad >= 0 && total >= bad && total < Infinity && target > 0 && target < 1)) return NaN;
  if (total === 0) return 0;
  const good = total - bad;
  const posterior =
    logBeta(bad + PRIOR.a, good + PRIOR.b) + logBetaAbove(target, bad + PRIOR.a, good + PRIOR.b);
  const prior = logBeta(PRIOR.a, PRIOR.b) + logBetaAbove(target, PRIOR.a, PRIOR.b);
  return posterior - prior - bad * Math.log(target) - good * Math.log1p(-target);
}

/** Heavy near small shares: most regressions are small. */
const PRIOR = { a: 0.5, b: 2 } as const;
