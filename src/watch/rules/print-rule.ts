import { writeDuration } from "../../lib/duration.ts";
import { printMetric } from "../../model/metric.ts";
import type { Change, Condition, Hold, Target, WatchRule } from "./watch-rule.ts";

/** The text form of a rule; parseRule reads it as the same rule. */
export function printRule({
  name,
  kind,
  condition,
  hold,
  sample,
  mode,
  action,
  policies,
}: WatchRule): string {
  return [
    `${name}:`,
    kind,
    printCondition(condition),
    hold === undefined ? "" : printHold(hold),
    sample === undefined ? "" : `min ${sample.least} ${sample.unit}`,
    mode === undefined
      ? ""
      : mode.kind === "strictly" || mode.percent === undefined
        ? mode.kind
        : `confident ${mode.percent}%`,
    `-> ${action}`,
    ...Object.entries(policies).map(([policy, what]) => `${policy} ${what}`),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** "for 5m", "for 3 of 5" */
export function printHold(hold: Hold): string {
  return hold.kind === "for" ? `for ${writeDuration(hold.ms)}` : `for ${hold.bad} of ${hold.looks}`;
}

/** "error_rate over 5m > 1%" */
export function printCondition(condition: Condition): string {
  if (condition.kind === "probe") return `probe(${condition.probe}) fails`;
  const { metric, from, overMs, compare, target } = condition;
  const sources = from === undefined ? "" : ` from ${from.join(" and ")}`;
  const over = overMs === undefined ? "" : ` over ${writeDuration(overMs)}`;
  return `${printMetric(metric)}${sources}${over} ${compare} ${printTarget(target)}`;
}

function printTarget(target: Target): string {
  switch (target.kind) {
    case "number":
      return target.unit === "ms" ? writeDuration(target.value) : `${target.value}${target.unit}`;
    case "baseline": {
      const { from } = target;
      const what =
        from.kind === "before"
          ? `before ${writeDuration(from.ms)}`
          : from.kind === "pinned"
            ? `pinned ${from.id}`
            : `same-hours last ${from.days}d`;
      return `baseline(${what})${printChange(target.change)}${printFloor(target.floor)}`;
    }
    case "control":
      return `control${printChange(target.change)}${printFloor(target.floor)}`;
    case "burn": {
      const { objectivePercent, periodMs, factor, longMs, shortMs } = target;
      return `burn(${objectivePercent}%, ${writeDuration(periodMs)}) * ${factor} over ${writeDuration(longMs)} and ${writeDuration(shortMs)}`;
    }
  }
}

function printChange(change: Change | undefined): string {
  if (change === undefined) return "";
  if (change.by === "factor") return ` * ${change.value}`;
  return ` + ${change.value}${change.by === "percent" ? "%" : "pp"}`;
}

function printFloor(floor: number | undefined): string {
  return floor === undefined ? "" : ` floor ${floor}%`;
}
