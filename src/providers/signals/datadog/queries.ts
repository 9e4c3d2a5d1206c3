import type { SeriesAnswer, SeriesQuestion, ValuePoint } from "../../../model/signal-source.ts";
import { spansOf, type Buckets } from "../buckets.ts";
import type { Api, Points, Result } from "./api.ts";
import { countText, fillRelease, metricQueryOf, valueText } from "./metric-query.ts";
import type { ValueQuery } from "./settings.ts";

/** How many of how many. */
export async function queryCounts(
  api: Api,
  query: { bad: string; total: string },
  question: SeriesQuestion,
  buckets: Buckets,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const [bad, total] = await Promise.all([
    counts(api, query.bad, question, buckets, signal),
    counts(api, query.total, question, buckets, signal),
  ]);
  if (!total.ok) return total.error;
  if (!bad.ok) return bad.error;
  const points = spansOf(question, buckets, { bad: numbers(bad.value), total: numbers(total.value) });
  const wrong = points.find((point) => point.bad > point.total);
  if (wrong !== undefined) {
    const reason = `${query.bad} counts ${wrong.bad} and ${query.total} only ${wrong.total} up to ${new Date(wrong.toMs).toISOString()}: the first must be a part of the second`;
    return { state: "error", reason, isLasting: false };
  }
  return points.length > 0 ? { state: "counts", points } : nothing(query.total, total.value);
}

/** Only how many. A time without a point is one of which nothing is known. */
export async function queryEvents(
  api: Api,
  query: { events: string },
  question: SeriesQuestion,
  buckets: Buckets,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const events = await counts(api, query.events, question, buckets, signal);
  if (!events.ok) return events.error;
  const points = spansOf(question, buckets, { bad: numbers(events.value) });
  return points.length > 0 ? { state: "counts", points } : nothing(query.events, events.value);
}

/** The last value of each step: of a bucket that begins in it, else of the one before, which reaches into it. */
export async function queryValues(
  api: Api,
  query: ValueQuery,
  question: SeriesQuestion,
  buckets: Buckets,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const { lengthMs } = buckets;
  const reaching = { ...buckets, fromMs: buckets.fromMs - lengthMs };
  const read = (text: string): Promise<Result<Points>> =>
    points(api, valueText(filled(text, question), lengthMs), reaching, signal);
  const [values, maxima] = await Promise.all([
    read(query.value),
    typeof query.max === "string" ? read(query.max) : { ok: true as const, value: new Map<number, number>() },
  ]);
  if (!values.ok) return values.error;
  if (!maxima.ok) return maxima.error;
  const factor = query.unit === "s" ? 1000 : 1;
  const known = [...numbers(values.value)].toSorted(([one], [other]) => one - other);
  const found: ValuePoint[] = [];
  for (let start = question.fromMs; start < question.toMs; start += question.stepMs) {
    const end = start + question.stepMs;
    const last = known.findLast(([at]) => at > start - lengthMs && at < end);
    if (last === undefined) continue;
    const [at, value] = last;
    const max = typeof query.max === "number" ? query.max : maxima.value.get(at);
    found.push({
      atMs: Math.min(end, at + lengthMs),
      value: value * factor,
      ...(max === undefined || max === null ? {} : { max: max * factor }),
    });
  }
  return found.length > 0 ? { state: "values", points: found } : nothing(query.value, values.value);
}

function counts(
  api: Api,
  text: string,
  question: SeriesQuestion,
  buckets: Buckets,
  signal: AbortSignal,
): Promise<Result<Points>> {
  return points(api, countText(filled(text, question), buckets.lengthMs), buckets, signal);
}

function points(
  api: Api,
  text: string,
  { fromMs, toMs, lengthMs }: Buckets,
  signal: AbortSignal,
): Promise<Result<Points>> {
  return api.points(text, { fromMs, toMs, bucketMs: lengthMs }, signal);
}

function filled(text: string, { release }: SeriesQuestion) {
  return fillRelease(metricQueryOf(text), release);
}

/** Without the buckets of which Datadog says null. */
function numbers(found: Points): Map<number, number> {
  return new Map([...found].filter((point): point is [number, number] => point[1] !== null));
}

function nothing(text: string, found: Points): SeriesAnswer {
  const [first] = found;
  const reason = first === undefined ? `${text} has no series` : `${text} has no number`;
  return { state: "no-data", reason, raw: first === undefined ? "[]" : JSON.stringify(first) };
}
