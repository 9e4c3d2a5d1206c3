import { parseDuration } from "../lib/duration.ts";
import type { ReleaseCounters } from "../model/ports.ts";
import type { Rule } from "./rule.ts";
import type { WindowDelta } from "./window.ts";

/** What a rule's signal is over a window, or why it has no value. */
export interface Measurement {
  /** "at-least": a quantile in the open last bucket is `value` or more. "none": the counts do not tell it. */
  kind: "value" | "at-least" | "none";
  /** 0 when there is none. */
  value: number;
  requests: number;
}

/**
 * The cumulative numbers that a rule needs of a release's counters, always starting with the number of requests
 * that the signal is about. `edges` are the upper bounds in ms of the buckets that follow, null for no bound.
 */
export function selectCounters(
  rule: Rule,
  counters: ReleaseCounters,
): { totals: number[]; edges: (number | null)[] } {
  if (rule.signal === "errorRatePercent") return { totals: [counters.requests, counters.errors], edges: [] };
  if (rule.signal === "requestsPerSecond") return { totals: [counters.requests], edges: [] };
  const all = counters.latency.at(-1)?.count ?? 0;
  const edges = counters.latency.map(({ leMs }) => (Number.isFinite(leMs) ? leMs : null));
  return { totals: [all, ...counters.latency.map(({ count }) => count)], edges };
}

/** The value of the rule's signal over the window. Nothing asked means no value, never 0 %. */
export function measure(rule: Rule, delta: WindowDelta): Measurement {
  const requests = delta.counts[0] ?? 0;
  if (rule.signal === "requestsPerSecond") {
    if (delta.spanMs <= 0) return { kind: "none", value: 0, requests };
    return { kind: "value", value: (requests * 1000) / delta.spanMs, requests };
  }
  if (requests <= 0) return { kind: "none", value: 0, requests: 0 };
  if (rule.signal === "errorRatePercent") {
    return { kind: "value", value: ((delta.counts[1] ?? 0) / requests) * 100, requests };
  }
  if (rule.signal === "slowSharePercent") {
    return {
      ...slowShare(parseDuration(rule.slowerThan ?? "") ?? 0, delta.edges, delta.counts.slice(1)),
      requests,
    };
  }
  const quantile = Number(rule.signal.slice(1, 3)) / 100;
  return { ...quantileOf(quantile, delta.edges, delta.counts.slice(1)), requests };
}

/**
 * A quantile from cumulative bucket counts, linear inside the bucket (as histogram_quantile of Prometheus does).
 * In the last bucket, which has no upper bound, only the lower bound is known.
 */
export function quantileOf(
  quantile: number,
  edges: readonly (number | null)[],
  counts: readonly number[],
): { kind: "value" | "at-least"; value: number } {
  const rank = quantile * (counts.at(-1) ?? 0);
  const index = counts.findIndex((count) => count >= rank && count > 0);
  const lower = edges[index - 1] ?? 0;
  const upper = edges[index] ?? null;
  if (upper === null) return { kind: "at-least", value: lower };
  const below = counts[index - 1] ?? 0;
  const inside = (counts[index] ?? 0) - below;
  return { kind: "value", value: lower + (upper - lower) * ((rank - below) / inside) };
}

/** Whether the rule is broken by this measurement; undefined when that cannot be told from it. */
export function isBroken(rule: Rule, measurement: Measurement): boolean | undefined {
  if (measurement.kind === "none") return undefined;
  const { value } = measurement;
  const isOpen = measurement.kind === "at-least";
  if (rule.above !== undefined) return value > rule.above || (isOpen ? undefined : false);
  const below = rule.below ?? 0;
  if (isOpen) return value >= below ? false : undefined;
  return value < below;
}

/** The share above `ms` in percent, linear inside the bucket. Beyond the last bound it cannot be told from 0. */
function slowShare(
  ms: number,
  edges: readonly (number | null)[],
  counts: readonly number[],
): { kind: "value" | "none"; value: number } {
  const all = counts.at(-1) ?? 0;
  const index = edges.findIndex((edge) => edge === null || edge >= ms);
  const upper = edges[index] ?? null;
  const lower = edges[index - 1] ?? 0;
  const below = counts[index - 1] ?? 0;
  const inside = (counts[index] ?? 0) - below;
  if (upper === null)
    return inside > 0 && ms > lower
      ? { kind: "none", value: 0 }
      : { kind: "value", value: (inside / all) * 100 };
  const fast = below + inside * ((ms - lower) / (upper - lower));
  return { kind: "value", value: ((all - fast) / all) * 100 };
}
