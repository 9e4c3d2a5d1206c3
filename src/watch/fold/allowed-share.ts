import type { Block } from "../statistics/block-evidence.ts";
import { lowerBound, upperBound } from "../statistics/share-bounds.ts";
import { facing } from "./confident.ts";
import type { ControlTest, ShareTest } from "./definition.ts";

type Side = "upper" | "lower";

/**
 * The share of bad requests that a rule allows. Beside a control that is by a bound of the control's own share: the
 * upper one is on the side of the release, the lower one asks more of it. Undefined without a request of the control.
 */
export function allowedShare(
  test: ShareTest | ControlTest,
  controlSum: Block,
  side: Side,
): number | undefined {
  if (test.how === "share") return test.target;
  const control = controlShare(test, controlSum, side);
  return control === undefined ? undefined : Math.max(test.floor, test.times * control + test.plus);
}

/** The share of bad requests that the control may truly have, at the most or at the least (one-sided, 95 %). */
export function controlShare({ isFlipped }: ControlTest, controlSum: Block, side: Side): number | undefined {
  const { bad, total } = facing(controlSum, isFlipped);
  if (total <= 0) return undefined;
  return (side === "upper" ? upperBound : lowerBound)(bad, total, CONFIDENCE);
}

const CONFIDENCE = 0.95;
