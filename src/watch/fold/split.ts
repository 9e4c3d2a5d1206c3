import { sampleRatioP, SAMPLE_RATIO_LIMIT } from "../statistics/sample-ratio.ts";
import type { Added } from "./added.ts";
import type { RuleTest } from "./definition.ts";
import type { Split, Visitors } from "./rule-state.ts";

/** After so many looks it is known how much requests come together, which tells how much their share may vary. */
export const SPLIT_LOOKS = 10;

/** How the traffic of the two was shared out, with one more look. */
export function splitWith({ looks, x, n, xx, xn, nn, visitors }: Split, added: Added): Split {
  const own = added.release.total;
  const both = own + (added.control?.total ?? 0);
  const sum = plus(visitors, added.visitors);
  return {
    looks: looks + 1,
    x: x + own,
    n: n + both,
    xx: xx + own * own,
    xn: xn + own * both,
    nn: nn + both * both,
    ...(sum === undefined ? {} : { visitors: sum }),
  };
}

/** What came to the release, of what came to both, where that is not the share that it should have had. */
export interface WrongSplit {
  what: "new clients" | "requests";
  release: number;
  both: number;
  /** 0 to 1. */
  exposure: number;
}

/**
 * Whether the release got another share than it should have: then it does not have visitors of the same kind as the
 * control, and comparing them says nothing. What is drawn is who serves a new visitor, so visitors are counted where
 * they are known: who stays and sends much is one. Else requests are, which come together: how much so is estimated
 * from how the share varies between looks, and that many requests count as one. It cannot be seen of visitors who stay.
 */
export function wrongSplit(test: RuleTest, split: Split | undefined): WrongSplit | undefined {
  if (test.how !== "control" || split === undefined) return undefined;
  const { exposure } = test;
  if (exposure === undefined || exposure <= 0 || exposure >= 1) return undefined;
  const { visitors, x, n } = split;
  if (visitors !== undefined) {
    const { release, control } = visitors;
    const isWrong = sampleRatioP(release, control, exposure) < SAMPLE_RATIO_LIMIT;
    return isWrong ? { what: "new clients", release, both: release + control, exposure } : undefined;
  }
  return areRequestsWrong(split, exposure) ? { what: "requests", release: x, both: n, exposure } : undefined;
}

/**
 * Whether it could have been seen by now that the release gets another share than it should have: before that a
 * comparison says nothing, and must not act. By visitors as soon as none, and nobody but them, at the release would have
 * shown it, else after ten looks. True where no share is known that could be checked.
 */
export function isSplitKnown(test: RuleTest, split: Split | undefined): boolean {
  if (test.how !== "control" || split === undefined) return true;
  const { exposure } = test;
  if (exposure === undefined || exposure <= 0 || exposure >= 1) return true;
  if (split.looks >= SPLIT_LOOKS) return true;
  const { release = 0, control = 0 } = split.visitors ?? {};
  const all = release + control;
  return Math.max(sampleRatioP(0, all, exposure), sampleRatioP(all, 0, exposure)) < SAMPLE_RATIO_LIMIT;
}

function areRequestsWrong({ looks, x, n, xx, xn, nn }: Split, exposure: number): boolean {
  if (looks < SPLIT_LOOKS || n === 0) return false;
  const share = x / n;
  const spread = share * (1 - share) * n;
  const squares = xx - 2 * share * xn + share * share * nn;
  const dispersion = spread > 0 ? Math.max(1, squares / spread / (1 - 1 / looks)) : 1;
  return sampleRatioP(x / dispersion, (n - x) / dispersion, exposure) < SAMPLE_RATIO_LIMIT;
}

function plus(sum: Visitors | undefined, more: Visitors | undefined): Visitors | undefined {
  if (sum === undefined || more === undefined) return sum ?? more;
  return { release: sum.release + more.release, control: sum.control + more.control };
}
