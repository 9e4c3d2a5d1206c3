import { logBeta } from "./log-gamma.ts";

/**
 * Whether visitors are shared out as intended: a p-value for "each visitor goes to the release with the odds `share`",
 * that holds at whatever time it is looked at, also every minute (Lindon and Malek, https://arxiv.org/abs/2011.03567,
 * with a uniform prior). Count visitors, not requests: requests of one visitor go together. 1 when nobody came.
 */
export function sampleRatioP(toRelease: number, toControl: number, share: number): number {
  if (!(toRelease >= 0 && toControl >= 0 && share > 0 && share < 1)) return NaN;
  const logEvidence =
    logBeta(toRelease + 1, toControl + 1) - toRelease * Math.log(share) - toControl * Math.log1p(-share);
  return Math.min(1, Math.exp(-logEvidence));
}

/** Below this a comparison with a control is not to be trusted. */
export const SAMPLE_RATIO_LIMIT = 0.001;
