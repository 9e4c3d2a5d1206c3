import { formatDuration } from "../../lib/duration.ts";
import { printCondition } from "../rules/print-rule.ts";
import type { WatchRule } from "../rules/watch-rule.ts";
import type { Block } from "../statistics/block-evidence.ts";
import type { RuleTest } from "./definition.ts";
import type { Failure, RuleState } from "./rule-state.ts";
import type { WrongSplit } from "./split.ts";

/** "2.6 %, 39 of 1,500 in all": the newest value of a rule with what was counted. */
export function valueText(rule: WatchRule, test: RuleTest, { tick, sum, controlSum }: RuleState): string {
  if (tick === null) return "nothing was seen yet";
  const counted = isShare(test) ? `, ${shareText(sum)} in all` : "";
  const beside = test.how === "control" ? ` beside ${shareText(controlSum)}` : "";
  const value =
    tick.value === undefined ? (tick.reason ?? "there is no value") : formatValue(rule, test, tick.value);
  return `${value}${counted}${beside}`;
}

/** "2.6 % (39 of 1,500)": everything since the beginning, of values their mean; undefined when nothing was seen. */
export function duringText(rule: WatchRule, test: RuleTest, { sum }: RuleState): string | undefined {
  if (test.how === "events") return `${countText(sum.bad)} in all`;
  if (sum.total === 0 || test.how === "undecidable") return undefined;
  return isShare(test)
    ? `${percentText(sum.bad / sum.total)} (${shareText(sum)})`
    : `${formatValue(rule, test, sum.bad / sum.total)} in the mean`;
}

/** "error_rate > 1%: 2.6 % (39 of 1,500), evidence 132 of 100" */
export function failureText(rule: WatchRule, test: RuleTest, failure: Failure): string {
  const { bad, count: total, control } = failure;
  const value = formatValue(rule, test, failure.value);
  const beside = control === undefined ? "" : ` beside ${shareText(control)}`;
  const counted = isShare(test) ? ` (${shareText({ bad, total })}${beside})` : "";
  const held =
    failure.heldMs === undefined || failure.heldMs === 0 ? "" : ` for ${formatDuration(failure.heldMs)}`;
  const evidence =
    failure.evidence === undefined
      ? ""
      : `, evidence ${numberText(failure.evidence.value)} of ${numberText(failure.evidence.threshold)}`;
  return `${printCondition(rule.condition)}: ${value}${counted}${held}${evidence}`;
}

/** "of 412 new clients 290 came to the release, 206 were expected" */
export function splitText({ what, release, both, exposure }: WrongSplit): string {
  const came = `of ${countText(both)} ${what} ${countText(release)} came to the release`;
  return `${came}, ${countText(exposure * both)} were expected`;
}

/** A value of the rule with its unit: "2.6 %", "431 ms", "12". */
export function formatValue({ condition }: WatchRule, test: RuleTest, value: number): string {
  if (isShare(test)) return `${numberText(value)} %`;
  if (condition.kind === "measure" && condition.target.kind === "number") {
    const { unit } = condition.target;
    if (unit === "ms") return value >= 10 ? `${Math.round(value)} ms` : `${numberText(value)} ms`;
    if (unit !== "") return `${numberText(value)} ${unit}`;
  }
  if (condition.kind === "measure" && condition.metric.kind === "quantile") return `${Math.round(value)} ms`;
  return numberText(value);
}

/** "0.23 %" of a share of 0 to 1. */
export function percentText(value: number): string {
  return `${numberText(100 * value)} %`;
}

function isShare({ how }: RuleTest): boolean {
  return how === "share" || how === "control";
}

export function shareText({ bad, total }: Block): string {
  return `${countText(bad)} of ${countText(total)}`;
}

export function countText(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function numberText(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
