import type { Metric } from "../../model/metric.ts";
import type { Cursor } from "./cursor.ts";
import { parseTarget } from "./parse-target.ts";
import { COMPARISONS, type Condition } from "./watch-rule.ts";

/** With what the grammar's own metrics begin; any other word is the name of a declared query. */
export const METRIC_WORDS = ["error_rate", "share", "p50", "p95", "p99", "gauge", "count", "probe"] as const;
const EXAMPLE = "write for example error_rate > 1%, share(latency > 1s) > 5% or probe(health) fails";

/** metric [from SOURCE [and SOURCE]] [window] compare target, or probe(NAME) "fails". */
export function parseCondition(cursor: Cursor): Condition {
  if (cursor.take("probe", "(")) {
    const probe = cursor.name("the name of a probe");
    cursor.expect(")", "write probe(health) fails");
    cursor.expect("fails", "write probe(health) fails");
    return { kind: "probe", probe };
  }
  const metric = parseMetric(cursor);
  const from = parseSources(cursor);
  const overMs = cursor.take("over") ? cursor.duration("the length of the window") : undefined;
  const compare = cursor.oneOf(COMPARISONS, "a comparison");
  const target = parseTarget(cursor, metric);
  return {
    kind: "measure",
    metric,
    ...(from === undefined ? {} : { from }),
    ...(overMs === undefined ? {} : { overMs }),
    compare,
    target,
  };
}

/** Two sources are asked independently, and the worse of what they show counts. */
function parseSources(cursor: Cursor): string[] | undefined {
  if (!cursor.take("from")) return undefined;
  const sources = [cursor.name("the name of a source")];
  while (cursor.take("and")) sources.push(cursor.name("the name of a source"));
  return sources;
}

/** What to measure, without a condition: error_rate, p95(latency), gauge(connections), or the name of a query. */
export function parseMetric(cursor: Cursor): Metric {
  if (cursor.take("error_rate")) return { kind: "error_rate" };
  if (cursor.take("share", "(")) {
    cursor.expect("latency", "write share(latency > 1s)");
    cursor.expect(">", "write share(latency > 1s)");
    const slowerThanMs = cursor.duration("what counts as slow");
    cursor.expect(")", "write share(latency > 1s)");
    return { kind: "share", slowerThanMs };
  }
  for (const percent of [50, 95, 99]) {
    if (!cursor.take(`p${percent}`, "(")) continue;
    cursor.expect("latency", `write p${percent}(latency)`);
    cursor.expect(")", `write p${percent}(latency)`);
    return { kind: "quantile", percent };
  }
  for (const kind of ["gauge", "count"] as const) {
    if (!cursor.take(kind, "(")) continue;
    const name = cursor.name(`the name of a ${kind}`);
    cursor.expect(")", `write ${kind}(${name})`);
    return { kind, name };
  }
  if (cursor.next.kind !== "name" || (METRIC_WORDS as readonly string[]).includes(cursor.next.text))
    throw cursor.mistake("expected what to measure", EXAMPLE);
  return { kind: "query", name: cursor.name("what to measure") };
}
