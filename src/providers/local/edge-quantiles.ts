import type { SeriesQuestion, ValuePoint } from "../../model/signal-source.ts";
import type { EdgeHistory, SpanRange } from "./edge-client.ts";

type Latencies = Pick<EdgeHistory["recent"], "latency" | "beyondMs">;

/** Length of a span of the edge's history. */
export const edgeSpanMs = 10_000;

/** The spans that end in what is asked for; undefined when none does. */
export function spansEndingIn({ fromMs, toMs }: SeriesQuestion): SpanRange | undefined {
  const first = Math.floor(fromMs / edgeSpanMs) * edgeSpanMs;
  const last = Math.floor(toMs / edgeSpanMs) * edgeSpanMs;
  return last > first ? { fromMs: first, toMs: last, stepMs: edgeSpanMs } : undefined;
}

/**
 * One quantile for each step of the question, over the spans that end in it, as of the end of the last of them; so each
 * span counts in one step. Steps shorter than a span are too short for that: then the last 10 to 20 s stand at the end
 * of the question, if that is now. Steps with an unknown span or without an answered request are left out.
 */
export function quantilePoints(
  { fromMs, toMs, stepMs }: SeriesQuestion,
  percent: number,
  { points, recent, boundsMs }: EdgeHistory,
): ValuePoint[] {
  const values: ValuePoint[] = [];
  let next = 0;
  for (let startMs = fromMs; startMs < toMs; startMs += stepMs) {
    const endMs = startMs + stepMs;
    const begin = next;
    while (next < points.length && points[next]!.toMs <= endMs) next += 1;
    const spans = points.slice(begin, next);
    if (spans.length < Math.floor(endMs / edgeSpanMs) - Math.floor(startMs / edgeSpanMs)) continue;
    const value = quantileOf(spans, percent, boundsMs);
    if (value !== undefined) values.push({ atMs: spans.at(-1)!.toMs, value });
  }
  if (stepMs >= edgeSpanMs || toMs <= recent.fromMs || values.at(-1)?.atMs === toMs) return values;
  const value = quantileOf([recent], percent, boundsMs);
  return value === undefined ? values : [...values, { atMs: toMs, value }];
}

/**
 * The bound that so many requests did not exceed; above the last bound the mean of those slower than it. Undefined when
 * nothing was answered.
 */
function quantileOf(
  spans: readonly Latencies[],
  percent: number,
  boundsMs: readonly number[],
): number | undefined {
  const inBucket = (index: number): number =>
    spans.reduce((count, { latency }) => count + (latency[index] ?? 0), 0);
  const buckets = Array.from({ length: boundsMs.length + 1 }, (_, index) => inBucket(index));
  const all = buckets.reduce((sum, count) => sum + count, 0);
  if (all === 0) return undefined;
  let upTo = 0;
  for (const [index, boundMs] of boundsMs.entries()) {
    upTo += buckets[index]!;
    if (upTo * 100 >= percent * all) return boundMs;
  }
  return spans.reduce((sum, { beyondMs }) => sum + beyondMs, 0) / buckets.at(-1)!;
}
