import { upperBound } from "./share-bounds.ts";

/** A share that was measured before the release. */
export interface Baseline {
  bad: number;
  total: number;
  /** How much more the counts vary than independent ones (see dispersion.ts); 1 when left out. */
  dispersion?: number;
}

/** "+ 50 %" is { times: 1.5 }, "* 2" is { times: 2 }, "+ 1 pp" is { times: 1, plus: 0.01 }. */
export interface BaselineRise {
  times: number;
  /** A share, 0 to 1. */
  plus?: number;
}

/**
 * The target of a rule against a baseline that was measured before traffic moved: the rise over the highest share that
 * the baseline may truly have had (one-sided, 99.5 %), and never below `floor`. The bound's own risk is why such a rule
 * is tested with half of its α (`BASELINE_ALPHA_PART`). Undefined when the baseline has no request, or when the target
 * would be a share of 1 or more, which nothing can exceed.
 */
export function baselineTarget(baseline: Baseline, rise: BaselineRise, floor: number): number | undefined {
  const dispersion = Math.max(1, baseline.dispersion ?? 1);
  if (!(baseline.total > 0)) return undefined;
  const bound = upperBound(baseline.bad / dispersion, baseline.total / dispersion, BASELINE_CONFIDENCE);
  const target = Math.max(floor, rise.times * bound + (rise.plus ?? 0));
  return target > 0 && target < 1 ? target : undefined;
}

/** The part of a rule's α that is left for the test against the target. */
export const BASELINE_ALPHA_PART = 0.5;
/** One-sided, of the highest share that something compared with may truly have. */
export const BASELINE_CONFIDENCE = 0.995;
