import type { Comparison, WatchRule } from "../rules/watch-rule.ts";
import type { Block } from "../statistics/block-evidence.ts";
import { isBurning } from "../statistics/burn-rate.ts";
import { facing } from "./confident.ts";
import type { RuleTest } from "./definition.ts";
import type { Sample } from "./rule-state.ts";
import { controlOver, sumOver } from "./samples.ts";

/** Whether a rule's value is on the side of its limit that the rule names; undefined when that cannot be told. */
export function isOverLimit(
  rule: WatchRule,
  test: RuleTest,
  samples: readonly Sample[],
  value: number,
  windowMs: number,
): boolean | undefined {
  if (rule.condition.kind === "probe") return undefined;
  if (test.how === "share" && test.burn !== undefined) {
    const { longMs, shortMs } = test.burn;
    const over = (ms: number): Block => facing(sumOver(samples, ms), test.isFlipped);
    return isBurning(over(longMs), over(shortMs), test.target);
  }
  const limit = limitOf(rule, test, controlOver(samples, windowMs));
  return limit === undefined ? undefined : isCrossing(rule.condition.compare, value, limit);
}

/** What a rule's value is held against, in its own unit, percent for shares. `control` is as the source counts it. */
export function limitOf({ condition }: WatchRule, test: RuleTest, control: Block): number | undefined {
  switch (test.how) {
    case "share": {
      // As it is written, where it is written: 100 · 0.07 is not 7.
      if (condition.kind === "measure" && condition.target.kind === "number") return condition.target.value;
      return percentOf(test.target, test.isFlipped);
    }
    case "control": {
      const { bad, total } = facing(control, test.isFlipped);
      if (!(total > 0)) return undefined;
      const allowed = Math.max(test.floor, (test.times * bad) / total + test.plus);
      return percentOf(allowed, test.isFlipped);
    }
    case "events":
    case "value":
      return test.limit;
    case "undecidable":
      return undefined;
  }
}

/** "> 1 %" and the like: whether a value stands in that relation to a limit. */
export function isCrossing(compare: Comparison, value: number, limit: number): boolean {
  switch (compare) {
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
  }
}

/** A share of bad ones in percent of what the source counts. */
function percentOf(share: number, isFlipped: boolean): number {
  return 100 * (isFlipped ? 1 - share : share);
}
