import type { Metric } from "../../../model/metric.ts";
import type { SeriesAnswer } from "../../../model/signal-source.ts";
import { ALL, boundProblem, boundsAt, boundsOf } from "../histogram-bounds.ts";
import { START_METRIC } from "../../../model/process-start.ts";
import { slownessOf, type CountsQuery, type EventsQuery, type LatencyQuery } from "../queries.ts";
import { fillRelease, nameOf, printSelector, selectorOf } from "../selector.ts";
import type { ExposedSample, Exposition } from "./exposition.ts";
import { matcherOf } from "./match.ts";
import type { Query, ValueQuery } from "./settings.ts";

/** What a metric is asked for of one exposition. */
export interface Reading {
  exposition: Exposition;
  release: string;
  /** When it was read; a sample with a time of its own is as old as that. */
  nowMs: number;
}

type Found = { ok: true; samples: ExposedSample[] } | { ok: false; answer: SeriesAnswer };

/** Pure but for the pattern engine, which it loads. Quantiles are not in counters alone, and are not measured. */
export async function measure(metric: Metric, query: Query, reading: Reading): Promise<SeriesAnswer> {
  if ("value" in query) return await measureValue(query, reading);
  if ("events" in query) return await measureEvents(query, reading);
  if ("bad" in query) return await measureCounts(query, reading);
  return await measureShare(query, slownessOf(metric), reading);
}

/** The samples of a selector, all of them numbers. */
export async function select(text: string, { exposition, release }: Reading): Promise<Found> {
  const selector = fillRelease(selectorOf(text), release);
  const matcher = await matcherOf(selector);
  if (!matcher.ok) return { ok: false, answer: { state: "error", reason: matcher.problem, isLasting: true } };
  const samples = exposition.samples.filter((sample) => matcher.matches(sample));
  const odd = samples.find(({ value }) => !Number.isFinite(value));
  if (odd === undefined) return { ok: true, samples };
  const reason = `a value of ${printSelector(selector)} is no number`;
  return { ok: false, answer: { state: "no-data", reason, raw: String(odd.value) } };
}

/** Whether anything of the metric is exposed, be it its type alone: then a series that is not there counted nothing. */
export function isExposed(text: string, { samples, types }: Exposition): boolean {
  const name = nameOf(selectorOf(text));
  if (name === undefined) return true; // a pattern of names; what it finds is all there is
  const families = [name, name.replace(/_(total|bucket)$/, "")];
  return (
    families.some((family) => types.has(family)) || samples.some(({ labels }) => labels.__name__ === name)
  );
}

async function measureCounts(query: CountsQuery, reading: Reading): Promise<SeriesAnswer> {
  const total = await select(query.total, reading);
  if (!total.ok) return total.answer;
  const bad = await select(query.bad, reading);
  if (!bad.ok) return bad.answer;
  if (!isExposed(query.total, reading.exposition)) return nothing(query.total);
  const all = sum(total.samples);
  return {
    state: "counter",
    ...processStart(reading),
    atMs: oldest([...total.samples, ...bad.samples], reading),
    bad: Math.min(sum(bad.samples), all),
    total: all,
  };
}

async function measureEvents(query: EventsQuery, reading: Reading): Promise<SeriesAnswer> {
  const events = await select(query.events, reading);
  if (!events.ok) return events.answer;
  if (!isExposed(query.events, reading.exposition)) return nothing(query.events);
  const atMs = oldest(events.samples, reading);
  return { state: "counter", ...processStart(reading), atMs, bad: sum(events.samples), total: 0 };
}

async function measureShare(
  query: LatencyQuery,
  slowerThanMs: number,
  reading: Reading,
): Promise<SeriesAnswer> {
  const buckets = await select(query.buckets, reading);
  if (!buckets.ok) return buckets.answer;
  if (!isExposed(query.buckets, reading.exposition)) return nothing(query.buckets);
  const bounds = boundsOf([...new Set(buckets.samples.map(({ labels }) => labels.le ?? ""))], query);
  const own = new Set(boundsAt(bounds, slowerThanMs).map(({ text }) => text));
  const all = buckets.samples.filter(({ labels }) => labels.le === ALL);
  const within = buckets.samples.filter(({ labels }) => own.has(labels.le ?? ""));
  // One for each histogram, or some of their requests would be missing.
  if (within.length !== all.length)
    return { state: "error", reason: boundProblem(query, slowerThanMs, bounds), isLasting: true };
  const total = sum(all);
  return {
    state: "counter",
    ...processStart(reading),
    atMs: oldest(buckets.samples, reading),
    bad: Math.max(0, total - sum(within)),
    total,
  };
}

async function measureValue(query: ValueQuery, reading: Reading): Promise<SeriesAnswer> {
  const value = await select(query.value, reading);
  if (!value.ok) return value.answer;
  const max = typeof query.max === "string" ? await select(query.max, reading) : undefined;
  if (max?.ok === false) return max.answer;
  for (const [text, samples = []] of [
    [query.value, value.samples],
    [query.max, max?.samples],
  ] as const)
    if (samples.length > 1)
      return { state: "error", reason: tooMany(String(text), samples), isLasting: true };
  const [sample] = value.samples;
  if (sample === undefined) return nothing(query.value);
  const greatest = typeof query.max === "number" ? query.max : max?.samples[0]?.value;
  const point = { atMs: sample.atMs ?? reading.nowMs, value: sample.value };
  return { state: "values", points: [{ ...point, ...(greatest === undefined ? {} : { max: greatest }) }] };
}

/** Nothing when it says none, or those of several processes. */
function processStart({ exposition }: Reading): { processStartSeconds?: number } {
  const starts = exposition.samples.filter(({ labels }) => labels.__name__ === START_METRIC);
  const [own] = starts;
  return own === undefined || starts.length > 1 || !Number.isFinite(own.value)
    ? {}
    : { processStartSeconds: own.value };
}

function nothing(selector: string): SeriesAnswer {
  return { state: "no-data", reason: `there is no ${selector}` };
}

function tooMany(selector: string, samples: readonly ExposedSample[]): string {
  return `${selector} means ${samples.length} series instead of one: name more of its labels`;
}

function sum(samples: readonly ExposedSample[]): number {
  return samples.reduce((all, { value }) => all + value, 0);
}

function oldest(samples: readonly ExposedSample[], { nowMs }: Reading): number {
  return Math.min(nowMs, ...samples.map(({ atMs = nowMs }) => atMs));
}
