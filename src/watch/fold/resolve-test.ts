import type { Given } from "../../model/signal-source.ts";
import type { Change, Comparison, Target, WatchRule } from "../rules/watch-rule.ts";
import { BASELINE_ALPHA_PART, BASELINE_CONFIDENCE, baselineTarget } from "../statistics/baseline-target.ts";
import { burnTarget } from "../statistics/burn-rate.ts";
import { lowerBound, upperBound } from "../statistics/share-bounds.ts";
import { ROLLBACK_ALPHA } from "../statistics/spending.ts";
import type { RuleTest } from "./definition.ts";
import { isCrossing } from "./limit.ts";
import { isConfident } from "./spends-risk.ts";

/** What was measured before the release, frozen when the watch begins. */
export type MeasuredBefore =
  | { form: "counts"; bad: number; total: number; dispersion?: number }
  | { form: "values"; value: number };

export interface RuleWorld {
  form: Given["form"];
  /** Undefined when there is none: a rule that needs one cannot be decided. */
  before: MeasuredBefore | undefined;
  /** The release's share of the traffic, 0 to 1, when it has one beside another release. */
  exposure: number | undefined;
}

/** How a rule is tested with what a source gives, all its numbers resolved. Pure. Rules about probes have no test. */
export function resolveTest(rule: WatchRule, world: RuleWorld): RuleTest {
  const { condition } = rule;
  if (condition.kind === "probe") return { how: "undecidable", reason: "a probe has no test" };
  const { target } = condition;
  if (world.form === "counts") return shareTest(rule, target, world);
  if (target.kind !== "number" && target.kind !== "baseline")
    return { how: "undecidable", reason: `${target.kind} needs counts` };
  const limit = target.kind === "number" ? target.value : valueLimit(target, world.before);
  if (limit === undefined) return noBaseline;
  if (world.form === "events") return { how: "events", limit };
  const isOfMax = target.kind === "number" && target.unit === "% of max";
  return { how: "value", limit, unit: isOfMax ? "of-max" : "plain" };
}

/** Whether too little is what is wrong: then what the source counts is the good part. */
export function isAboutTooFew({ kind, condition }: WatchRule): boolean {
  if (condition.kind === "probe") return false;
  return (kind === "when") === (condition.compare === "<" || condition.compare === "<=");
}

const noBaseline: RuleTest = {
  how: "undecidable",
  reason: "there is no baseline: nothing was measured before",
};

function shareTest(rule: WatchRule, target: Target, { before, exposure }: RuleWorld): RuleTest {
  const isFlipped = isAboutTooFew(rule);
  const own = rule.mode?.kind === "confident" ? rule.mode.percent : undefined;
  const alpha = own === undefined ? ROLLBACK_ALPHA : own / 100;
  const withAlpha = (part: number): { alpha?: number } => (isConfident(rule) ? { alpha: alpha * part } : {});
  if (isFlipped && "floor" in target && target.floor !== undefined)
    return {
      how: "undecidable",
      reason: "a floor is for rules about too much, not for those about too little",
    };
  switch (target.kind) {
    case "number":
      return numberTest(rule, target, isFlipped, withAlpha(1));
    case "baseline": {
      if (before?.form !== "counts" || !(before.total > 0)) return noBaseline;
      const share = baselineShare(rule, before, riseOf(target.change), (target.floor ?? 0) / 100, isFlipped);
      if (share === undefined || !(share > 0 && share < 1))
        return { how: "undecidable", reason: "the baseline leaves no share that could exceed it" };
      return { how: "share", target: share, isFlipped, ...withAlpha(BASELINE_ALPHA_PART) };
    }
    case "control": {
      const { times, plus: points } = riseOf(target.change);
      // "Hits below 0.9 times those of the control" are misses above 0.1 + 0.9 times its misses.
      const plus = isFlipped ? 1 - times - points : points;
      const floor = (target.floor ?? 0) / 100;
      const part = plus === 0 ? 1 : BASELINE_ALPHA_PART;
      const shared = exposure === undefined ? {} : { exposure };
      return { how: "control", times, plus, floor, isFlipped, ...withAlpha(part), ...shared };
    }
    case "burn": {
      const { objectivePercent, factor, longMs, shortMs } = target;
      const share = burnTarget(objectivePercent / 100, factor);
      if (!(share > 0 && share < 1))
        return { how: "undecidable", reason: "no share of bad requests uses the budget up so fast" };
      return { how: "share", target: share, isFlipped, ...withAlpha(1), burn: { longMs, shortMs } };
    }
  }
}

/** A share against a percentage. Where one bad request is one too many there is nothing to be confident of. */
function numberTest(
  { kind, condition, mode }: WatchRule,
  { value, unit }: Target & { kind: "number" },
  isFlipped: boolean,
  withAlpha: { alpha?: number },
): RuleTest {
  if (unit !== "%") return { how: "undecidable", reason: "a share is held against a percentage" };
  if (condition.kind === "measure" && !isPossible(condition.compare, value))
    return { how: "undecidable", reason: `a share is always or never ${condition.compare} ${value} %` };
  const target = isFlipped ? 1 - value / 100 : value / 100;
  const isExtreme = target === 0 || target === 1;
  if (isExtreme && kind === "expect" && mode?.kind !== "strictly")
    return { how: "undecidable", reason: "that it is never so cannot be proven; write strictly" };
  return { how: "share", target, isFlipped, ...(isExtreme ? {} : withAlpha) };
}

/** Whether some share of 0 % to 100 % is so, and another is not. */
function isPossible(compare: Comparison, percent: number): boolean {
  const isSo = (share: number): boolean => isCrossing(compare, share, percent);
  return isSo(0) !== isSo(100);
}

/**
 * The share of bad requests that a baseline allows: by the bound of the baseline that is on the side of the release for
 * what acts when it is exceeded, and by the other one for what has to be shown.
 */
function baselineShare(
  { kind }: WatchRule,
  before: MeasuredBefore & { form: "counts" },
  { times, plus }: { times: number; plus: number },
  floor: number,
  isFlipped: boolean,
): number | undefined {
  if (kind === "when" && !isFlipped) return baselineTarget(before, { times, plus }, floor);
  const dispersion = Math.max(1, before.dispersion ?? 1);
  const bound = (kind === "when") === isFlipped ? lowerBound : upperBound;
  const allowed =
    times * bound(before.bad / dispersion, before.total / dispersion, BASELINE_CONFIDENCE) + plus;
  return isFlipped ? 1 - allowed : Math.max(floor, allowed);
}

function riseOf(change: Change | undefined): { times: number; plus: number } {
  switch (change?.by) {
    case undefined:
      return { times: 1, plus: 0 };
    case "percent":
      return { times: 1 + change.value / 100, plus: 0 };
    case "factor":
      return { times: change.value, plus: 0 };
    case "points":
      return { times: 1, plus: change.value / 100 };
  }
}

function valueLimit(
  target: Target & { kind: "baseline" },
  before: MeasuredBefore | undefined,
): number | undefined {
  if (before?.form !== "values") return undefined;
  const { change } = target;
  const raised =
    change?.by === "points"
      ? before.value + change.value
      : change?.by === "percent"
        ? before.value * (1 + change.value / 100)
        : before.value * (change?.value ?? 1);
  return Math.max(target.floor ?? -Infinity, raised);
}
