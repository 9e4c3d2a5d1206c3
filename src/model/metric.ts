import { writeDuration } from "../lib/duration.ts";

/** What a rule looks at, without a source: any source that gives the metric can answer. Requirement E4. */
export type Metric =
  | { kind: "error_rate" }
  /** Requests that took longer, of all. */
  | { kind: "share"; slowerThanMs: number }
  /** A latency quantile: p50, p95, p99. */
  | { kind: "quantile"; percent: number }
  /** A value that goes up and down, such as connections. */
  | { kind: "gauge"; name: string }
  /** How many events there were. */
  | { kind: "count"; name: string }
  /** A query that the runbook declares under this name. */
  | { kind: "query"; name: string };

/** As rules write it. */
export function printMetric(metric: Metric): string {
  switch (metric.kind) {
    case "error_rate":
      return "error_rate";
    case "share":
      return `share(latency > ${writeDuration(metric.slowerThanMs)})`;
    case "quantile":
      return `p${metric.percent}(latency)`;
    case "gauge":
    case "count":
      return `${metric.kind}(${metric.name})`;
    case "query":
      return metric.name;
  }
}
