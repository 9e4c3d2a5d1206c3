import type { Change, Condition, Metric, Target, WatchRule } from "./watch-rule.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

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
    hold === undefined
      ? ""
      : hold.kind === "for"
        ? `for ${duration(hold.ms)}`
        : `for ${hold.bad} of ${hold.looks}`,
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

/** "error_rate over 5m > 1%" */
export function printCondition(condition: Condition): string {
  if (condition.kind === "probe") return `probe(${condition.probe}) fails`;
  const { metric, overMs, compare, target } = condition;
  const over = overMs === undefined ? "" : ` over ${duration(overMs)}`;
  return `${printMetric(metric)}${over} ${compare} ${printTarget(target)}`;
}

function printMetric(metric: Metric): string {
  switch (metric.kind) {
    case "error_rate":
      return "error_rate";
    case "share":
      return `share(latency > ${duration(metric.slowerThanMs)})`;
    case "quantile":
      return `p${metric.percent}(latency)`;
    case "gauge":
    case "count":
      return `${metric.kind}(${metric.name})`;
    case "query":
      return metric.name;
  }
}

function printTarget(target: Target): string {
  switch (target.kind) {
    case "number":
      return target.unit === "ms" ? duration(target.value) : `${target.value}${target.unit}`;
    case "baseline": {
      const { from } = target;
      const what =
        from.kind === "before"
          ? `before ${duration(from.ms)}`
          : from.kind === "pinned"
            ? `pinned ${from.id}`
            : `same-hours last ${from.days}d`;
      return `baseline(${what})${printChange(target.change)}${printFloor(target.floor)}`;
    }
    case "control":
      return `control${printChange(target.change)}${printFloor(target.floor)}`;
    case "burn": {
      const { objectivePercent, periodMs, factor, longMs, shortMs } = target;
      return `burn(${objectivePercent}%, ${duration(periodMs)}) * ${factor} over ${duration(longMs)} and ${duration(shortMs)}`;
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

/** As a runbook writes it: "1h30m". */
function duration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, length] of UNITS) {
    const many = Math.floor(rest / length);
    if (many > 0) text += `${many}${unit}`;
    rest -= many * length;
  }
  return text;
}
