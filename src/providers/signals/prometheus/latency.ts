import type { SeriesAnswer, SeriesQuestion, ValuePoint } from "../../../model/signal-source.ts";
import { fillRelease, literalPattern, printSelector, selectorOf, type Selector } from "../selector.ts";
import { type Api, type Result, type Series } from "./api.ts";
import { readCounters, type Counters } from "./counters.ts";
import { countsAnswer } from "./counts.ts";
import { groupedWithout, increasesOf, LOOKBACK_MS, resetsOf, sumsOf, type Increase } from "./increases.ts";
import { ALL, boundProblem, boundsAt, boundsOf, type Bound } from "../histogram-bounds.ts";
import type { LatencyQuery } from "../queries.ts";

type Question = SeriesQuestion & { intervalMs: number };

/**
 * Requests that took longer than slowerThanMs, of all. Exact, and therefore only for bounds of the histogram's own
 * buckets: of any other time it is only known to lie between two shares, and a rule would not know which one it got.
 */
export async function queryShare(
  api: Api,
  query: LatencyQuery,
  slowerThanMs: number,
  question: Question,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const selector = fillRelease(selectorOf(query.buckets), question.release);
  const bounds = await readBounds(api, { selector, query, question }, signal);
  if (!bounds.ok) return bounds.error;
  const own = boundsAt(bounds.value, slowerThanMs).map(({ text }) => text);
  if (bounds.value.length > 0 && own.length === 0) return noSuchBound(query, slowerThanMs, bounds.value);
  const pattern = [...own, ALL].map((text) => literalPattern(text)).join("|");
  const read = await readBuckets(api, withMatcher(selector, pattern), question, signal);
  if (!read.ok) return read.error;
  const total: Increase[] = [];
  const fast: Increase[] = [];
  for (const buckets of groupedWithout("le", read.value.series)) {
    const all = buckets.find(({ labels }) => labels.le === ALL);
    if (all === undefined) continue;
    const within = buckets.find((bucket) => bucket !== all);
    if (within === undefined) return noSuchBound(query, slowerThanMs, bounds.value, all);
    total.push(...bucketIncreases(all, buckets, read.value, question));
    fast.push(...bucketIncreases(within, buckets, read.value, question));
  }
  const totals = sumsOf(total, question);
  const fasts = sumsOf(fast, question);
  const slow = new Map([...totals].map(([step, all]) => [step, Math.max(0, all - (fasts.get(step) ?? 0))]));
  return countsAnswer(read.value.known, slow, totals, question, read.value.nothing);
}

/** A quantile of each step in milliseconds, by interpolation inside of a bucket; at most the greatest bound. */
export async function queryQuantile(
  api: Api,
  query: LatencyQuery,
  percent: number,
  question: Question,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const selector = fillRelease(selectorOf(query.buckets), question.release);
  const read = await readBuckets(api, selector, question, signal);
  if (!read.ok) return read.error;
  const counts = boundCounts(read.value, query, question);
  const points = [...read.value.known]
    .toSorted((a, b) => a - b)
    .flatMap((step): ValuePoint[] => {
      const buckets = counts.map(({ ms, sums }) => ({ ms, count: sums.get(step) ?? 0 }));
      const value = quantileOf(buckets, percent / 100);
      return value === undefined ? [] : [{ atMs: question.fromMs + (step + 1) * question.stepMs, value }];
    });
  if (points.length > 0) return { state: "values", points };
  const isIdle = read.value.known.size > 0;
  return {
    state: "no-data",
    ...(isIdle ? { reason: "there was no request", raw: "0" } : read.value.nothing),
  };
}

/** The bounds of the histogram's buckets in rising order; none when there is no such series. */
export async function readBounds(
  api: Api,
  {
    selector,
    query,
    question,
  }: { selector: Selector; query: LatencyQuery; question: Pick<SeriesQuestion, "fromMs" | "toMs"> },
  signal: AbortSignal,
): Promise<Result<Bound[]>> {
  const windowMs = question.toMs - question.fromMs + LOOKBACK_MS;
  const buckets = `count by (le) (last_over_time(${printSelector(selector)}[${windowMs}ms]))`;
  const answer = await api.instant(buckets, question.toMs, signal);
  if (!answer.ok) return answer;
  const texts = answer.value.map(({ labels: { le = "" } }) => le);
  return { ok: true, value: boundsOf(texts, query) };
}

/** Pure. Cumulative counts in rising order of their bounds, the last one infinite; undefined when nothing was counted. */
export function quantileOf(
  buckets: readonly { ms: number; count: number }[],
  share: number,
): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const rank = share * total;
  const index = buckets.findIndex(({ count }) => count >= rank && count > 0);
  const { ms: upper, count } = buckets[index]!;
  const { ms: lower, count: below } = buckets[index - 1] ?? { ms: 0, count: 0 };
  if (!Number.isFinite(upper)) return lower;
  return lower + (upper - lower) * ((rank - below) / (count - below));
}

function readBuckets(
  api: Api,
  selector: Selector,
  question: Question,
  signal: AbortSignal,
): Promise<Result<Counters>> {
  const { intervalMs } = question;
  return readCounters(api, { selector, names: [selector], steps: question, intervalMs }, signal);
}

/** The buckets of one histogram begin anew together, also those that the restart does not show in. */
function bucketIncreases(
  bucket: Series,
  together: readonly Series[],
  { isBorn, restartsOf }: Counters,
  { fromMs }: Question,
): Increase[] {
  const resets = new Set([...resetsOf(together), ...restartsOf(bucket)]);
  return increasesOf(bucket, fromMs, (atMs) => isBorn(bucket, atMs), resets);
}

/** Of the bounds that every histogram has. */
function boundCounts(
  counters: Counters,
  query: LatencyQuery,
  question: Question,
): { ms: number; sums: Map<number, number> }[] {
  const groups = groupedWithout("le", counters.series);
  const increases = new Map<number, { histograms: number; all: Increase[] }>();
  for (const buckets of groups)
    for (const bucket of buckets) {
      const [{ ms }] = boundsOf([bucket.labels.le ?? ""], query) as [Bound];
      const { histograms, all } = increases.get(ms) ?? { histograms: 0, all: [] };
      all.push(...bucketIncreases(bucket, buckets, counters, question));
      increases.set(ms, { histograms: histograms + 1, all });
    }
  return [...increases]
    .filter(([, { histograms }]) => histograms === groups.length)
    .toSorted(([a], [b]) => a - b)
    .map(([ms, { all }]) => ({ ms, sums: sumsOf(all, question) }));
}

function noSuchBound(
  query: LatencyQuery,
  slowerThanMs: number,
  bounds: readonly Bound[],
  histogram?: Series,
): SeriesAnswer {
  const { le: _all, __name__: _name, ...labels } = histogram?.labels ?? {};
  const where = histogram === undefined ? "" : ` (in ${JSON.stringify(labels)})`;
  return { state: "error", reason: `${boundProblem(query, slowerThanMs, bounds)}${where}`, isLasting: true };
}

function withMatcher({ matchers }: Selector, pattern: string): Selector {
  return { matchers: [...matchers, { label: "le", operator: "=~", value: pattern }] };
}
