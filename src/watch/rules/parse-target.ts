import { Mistake, type Cursor } from "./cursor.ts";
import type { Metric } from "../../model/metric.ts";
import type { BaselineFrom, Change, Target } from "./watch-rule.ts";

const DAY_MS = 86_400_000;
const NEEDS_UNIT = "+ 50% makes it one and a half times as much, + 50pp adds 50 percentage points";

/** What a value is compared with; a number's unit must be one that the metric has. */
export function parseTarget(cursor: Cursor, metric: Metric): Target {
  if (cursor.take("baseline")) {
    const from = parseBaselineFrom(cursor);
    const change = parseChange(cursor);
    const floor = parseFloor(cursor);
    return { kind: "baseline", from, ...(change === undefined ? {} : { change }), ...floor };
  }
  if (cursor.take("control")) {
    const change = parseChange(cursor);
    if (change === undefined)
      throw cursor.mistake("expected how much more than the control", "write control * 2 or control + 1pp");
    return { kind: "control", change, ...parseFloor(cursor) };
  }
  if (cursor.take("burn")) return parseBurn(cursor);
  return parseNumber(cursor, metric);
}

function parseBaselineFrom(cursor: Cursor): BaselineFrom {
  const example = "write baseline(before 24h), baseline(same-hours last 7d) or baseline(pinned NAME)";
  cursor.expect("(", example);
  const way = cursor.oneOf(["before", "same-hours", "pinned"], "which baseline");
  const from = baselineFrom(cursor, way, example);
  cursor.expect(")", example);
  return from;
}

function baselineFrom(cursor: Cursor, way: BaselineFrom["kind"], example: string): BaselineFrom {
  if (way === "before") return { kind: "before", ms: cursor.duration("how long before") };
  if (way === "pinned") return { kind: "pinned", id: cursor.name("the name of a kept baseline") };
  cursor.expect("last", example);
  const { offset, text } = cursor.next;
  const days = cursor.duration("how many days") / DAY_MS;
  if (Number.isInteger(days)) return { kind: "same-hours", days };
  const hint = "write for example same-hours last 7d";
  throw new Mistake({ offset, length: text.length, message: "expected whole days", hint });
}

function parseChange(cursor: Cursor): Change | undefined {
  if (cursor.take("*")) return { by: "factor", value: cursor.number("a factor") };
  if (!cursor.take("+")) return undefined;
  const value = cursor.number("how much more");
  if (cursor.take("%")) return { by: "percent", value };
  if (cursor.take("pp")) return { by: "points", value };
  throw cursor.mistake("expected % or pp", NEEDS_UNIT);
}

function parseFloor(cursor: Cursor): { floor?: number } {
  if (!cursor.take("floor")) return {};
  const floor = cursor.number("a floor");
  cursor.take("%");
  return { floor };
}

function parseBurn(cursor: Cursor): Target {
  const example = "write burn(99.9%, 30d) * 14.4 over 1h and 5m";
  cursor.expect("(", example);
  const objectivePercent = cursor.number("an objective");
  cursor.expect("%", example);
  cursor.expect(",", example);
  const periodMs = cursor.duration("the period of the objective");
  cursor.expect(")", example);
  cursor.expect("*", example);
  const factor = cursor.number("a factor");
  cursor.expect("over", example);
  const longMs = cursor.duration("the long window");
  cursor.expect("and", example);
  const shortMs = cursor.duration("the short window");
  return { kind: "burn", objectivePercent, periodMs, factor, longMs, shortMs };
}

function parseNumber(cursor: Cursor, metric: Metric): Target {
  if (metric.kind === "quantile") {
    return { kind: "number", value: cursor.duration("a latency"), unit: "ms" };
  }
  if (cursor.next.kind === "duration" && metric.kind === "query")
    return { kind: "number", value: cursor.duration("a limit"), unit: "ms" };
  const value = cursor.number("a limit");
  if (cursor.take("%")) {
    if (cursor.take("of", "max")) return { kind: "number", value, unit: "% of max" };
    if (metric.kind === "count")
      throw cursor.mistake("a count has no percent", "take the % away, or measure error_rate");
    return { kind: "number", value, unit: "%" };
  }
  if (metric.kind === "error_rate" || metric.kind === "share")
    throw cursor.mistake(`expected %`, `write ${value}%`);
  return { kind: "number", value, unit: "" };
}
