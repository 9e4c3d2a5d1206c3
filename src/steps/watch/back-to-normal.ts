import type { Verdict } from "../../model/verdict.ts";
import { countText, percentText, shareText } from "../../watch/fold/words.ts";
import type { Block } from "../../watch/statistics/block-evidence.ts";
import { proofOfGood } from "../../watch/statistics/proof-of-good.ts";
import { lowerBound, upperBound } from "../../watch/statistics/share-bounds.ts";

/** What has to be shown of a share of bad requests. */
export interface Normal {
  /** Normal is not above this, 0 to 1. */
  allowed: number;
  /** With fewer requests nothing is said. */
  least: number;
  /** Whether `least` requests are enough, without a look at what else they could stand for: a person says so. */
  isEnough: boolean;
}

/**
 * `badly` says what the bad ones did ("failed"), and the words have all numbers.
 *
 * Whether `bad` of `total` requests say that a share is back to normal. It is not when the true share is above what is
 * allowed with 95 % confidence; it is when that is proven to be below, or when the share that was seen is not above and
 * three times as much is ruled out with 95 % confidence, as where a watch passes. Anything else is too little to say.
 */
export function backToNormal(
  { bad, total }: Block,
  { allowed, least, isEnough }: Normal,
  badly: string,
): Pick<Verdict, "verdict"> & { words: string } {
  const seen = `${shareText({ bad, total })} requests ${badly}`;
  const limit = percentText(allowed);
  if (total < least || (total <= 0 && !isEnough))
    return { verdict: "unknown", words: `${seen}, of at least ${countText(Math.max(1, least))} to tell` };
  if (total <= 0) return { verdict: "pass", words: `${seen}, and none is asked for` };
  const share = `${seen} (${percentText(bad / total)})`;
  const atLeast = lowerBound(bad, total, CONFIDENCE);
  const atMost = upperBound(bad, total, CONFIDENCE);
  if (atLeast > allowed)
    return { verdict: "fail", words: `${share}, at least ${percentText(atLeast)} where ${limit} is normal` };
  if (proofOfGood(bad, total, allowed).isProven)
    return { verdict: "pass", words: `${share}, proven to be below ${limit}` };
  if (bad / total <= allowed && (isEnough || atMost < UNSEEN_TIMES * allowed || UNSEEN_TIMES * allowed >= 1))
    return { verdict: "pass", words: `${share}, not above ${limit}` };
  return {
    verdict: "unknown",
    words: `${share}, which may stand for ${percentText(atLeast)} to ${percentText(atMost)}: too few to tell whether it is above ${limit}`,
  };
}

const CONFIDENCE = 0.95;
/** A share this many times as high would have been seen. */
const UNSEEN_TIMES = 3;
