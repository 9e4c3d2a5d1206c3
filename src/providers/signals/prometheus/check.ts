import { suggest } from "../../../lib/did-you-mean.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { Metric } from "../../../model/metric.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { boundProblem, boundsAt } from "../histogram-bounds.ts";
import type { LatencyQuery } from "../queries.ts";
import {
  fillRelease,
  namesRelease,
  nameOnly,
  printSelector,
  selectorOf,
  withoutRelease,
  type Selector,
} from "../selector.ts";
import { verdictOf, worstOf } from "../verdicts.ts";
import type { Api, Result, Series } from "./api.ts";
import { LOOKBACK_MS } from "./increases.ts";
import { readBounds } from "./latency.ts";
import type { Query } from "./settings.ts";
import { fillExpression, tooMany } from "./values.ts";

export interface CheckOptions {
  release: string;
  atMs: number;
  intervalMs: number;
}

const GOOD: Verdict = { verdict: "pass", reason: "" };

/**
 * Whether the metric can be asked for. A series may be missing: of a release that is not there yet, or of errors that
 * nobody has made. A metric that nothing of is known by any name is a mistake of the runbook.
 */
export async function checkQuery(
  api: Api,
  metric: Metric,
  query: Query,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  if ("value" in query) {
    const expressions = [query.value, ...(typeof query.max === "string" ? [query.max] : [])];
    return await all(expressions, (expression) => checkExpression(api, expression, options, signal));
  }
  if ("buckets" in query) {
    const found = await checkSelector(api, query.buckets, true, options, signal);
    if (metric.kind !== "share" || found.verdict !== "pass") return found;
    return worstOf([found, await checkBound(api, query, metric.slowerThanMs, options, signal)], "");
  }
  if ("events" in query) return await checkSelector(api, query.events, false, options, signal);
  return await all([query.bad, query.total], (text) =>
    checkSelector(api, text, text === query.total, options, signal),
  );
}

async function all(texts: readonly string[], check: (text: string) => Promise<Verdict>): Promise<Verdict> {
  return worstOf(await Promise.all(texts.map(check)), "");
}

/** `isAlwaysThere`: without a series of it the service is not measured at all. */
async function checkSelector(
  api: Api,
  text: string,
  isAlwaysThere: boolean,
  { release, atMs, intervalMs }: CheckOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  const written = selectorOf(text);
  const selector = fillRelease(written, release);
  const recent = await api.samples(printSelector(selector), atMs - LOOKBACK_MS, atMs, signal);
  if (!recent.ok) return verdictOf(recent.error);
  if (recent.value.length > 0) return checkInterval(printSelector(selector), recent.value, intervalMs);

  const named = await countSeries(api, nameOnly(selector), atMs, signal);
  if (!named.ok) return verdictOf(named.error);
  const name = printSelector(nameOnly(selector));
  if (named.value === 0) {
    const hint = await hintFor(api, name, signal);
    return { verdict: "fail", reason: `there was no metric ${name} in the last 24 h${hint}` };
  }
  const others = await countSeries(api, withoutRelease(written), atMs, signal);
  if (!others.ok) return verdictOf(others.error);
  if (others.value > 0 && namesRelease(written))
    return { verdict: "pass", reason: `${printSelector(selector)} has no series yet, other releases have` };
  const reason = `${printSelector(withoutRelease(written))} had no series in the last 24 h, although ${name} had`;
  return { verdict: isAlwaysThere && others.value === 0 ? "fail" : "pass", reason };
}

/** A finer step than the scrapes would see nothing most of the time. */
function checkInterval(selector: string, series: readonly Series[], intervalMs: number): Verdict {
  const widest = Math.max(...series.map(({ samples }) => medianGap(samples.map(({ atMs }) => atMs))));
  if (widest <= 1.5 * intervalMs) return GOOD;
  const seconds = Math.round(widest / 1000);
  const reason = `${selector} is sampled every ${formatDuration(widest)}, so write interval: ${seconds}s`;
  return { verdict: "fail", reason };
}

async function checkBound(
  api: Api,
  query: LatencyQuery,
  slowerThanMs: number,
  { release, atMs }: CheckOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  const written = selectorOf(query.buckets);
  const question = { fromMs: atMs, toMs: atMs };
  for (const selector of [fillRelease(written, release), withoutRelease(written)]) {
    const bounds = await readBounds(api, { selector, query, question }, signal);
    if (!bounds.ok) return verdictOf(bounds.error);
    if (bounds.value.length === 0) continue;
    if (boundsAt(bounds.value, slowerThanMs).length > 0) return GOOD;
    return { verdict: "fail", reason: boundProblem(query, slowerThanMs, bounds.value) };
  }
  return GOOD;
}

async function checkExpression(
  api: Api,
  expression: string,
  { release, atMs }: CheckOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  const filled = fillExpression(expression, release);
  const answer = await api.instant(filled, atMs, signal);
  if (!answer.ok) return verdictOf(answer.error);
  if (answer.value.length > 1) return { verdict: "fail", reason: tooMany(filled, answer.value) };
  if (answer.value.length === 0) return { verdict: "pass", reason: `${filled} gives nothing now` };
  return GOOD;
}

async function countSeries(
  api: Api,
  selector: Selector,
  atMs: number,
  signal: AbortSignal,
): Promise<Result<number>> {
  const answer = await api.instant(`count(last_over_time(${printSelector(selector)}[1d]))`, atMs, signal);
  return answer.ok ? { ok: true, value: answer.value[0]?.samples[0]?.value ?? 0 } : answer;
}

/** Empty when the names cannot be had: the mistake is certain without them. */
async function hintFor(api: Api, name: string, signal: AbortSignal): Promise<string> {
  const names = await api.names(signal);
  if (!names.ok) return "";
  const hint = suggest(name, names.value, "it has");
  return hint === "" ? "" : `; ${hint}`;
}

/** 0 for less than three times. */
function medianGap(times: readonly number[]): number {
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  return gaps.length < 2 ? 0 : gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)]!;
}
