import type { Verdict } from "../../../model/verdict.ts";
import { verdictOf, worstOf } from "../verdicts.ts";
import type { Api } from "./api.ts";
import {
  countText,
  fillRelease,
  metricQueryOf,
  valueText,
  withoutRelease,
  type MetricQuery,
} from "./metric-query.ts";
import { textsOf, type Query } from "./settings.ts";

const GOOD: Verdict = { verdict: "pass", reason: "" };
const DAY_MS = 86_400_000;
const BUCKET_MS = 300_000;

/**
 * Whether the query can be asked for. A series may be missing: of a release that is not there yet, or of errors that
 * nobody has made. A metric that Datadog does not know by its name is a mistake of the runbook, and so is a total of
 * which there was nothing for a day.
 */
export async function checkQuery(
  api: Api,
  query: Query,
  options: { release: string; atMs: number },
  signal: AbortSignal,
): Promise<Verdict> {
  const verdicts: Verdict[] = [];
  for (const text of new Set(textsOf(query))) {
    const isAlwaysThere = "value" in query || ("total" in query && text === query.total);
    verdicts.push(await checkMetric(api, metricQueryOf(text), { ...options, query, isAlwaysThere }, signal));
  }
  return worstOf(verdicts, "");
}

async function checkMetric(
  api: Api,
  written: MetricQuery,
  {
    release,
    atMs,
    query,
    isAlwaysThere,
  }: { release: string; atMs: number; query: Query; isAlwaysThere: boolean },
  signal: AbortSignal,
): Promise<Verdict> {
  const isKnown = await api.knowsMetric(written.metric, signal);
  if (!isKnown.ok) return verdictOf(isKnown.error);
  if (!isKnown.value) return { verdict: "fail", reason: `Datadog knows no metric ${written.metric}` };
  const has = async (one: MetricQuery): Promise<Verdict | boolean> => {
    const toMs = Math.ceil(atMs / BUCKET_MS) * BUCKET_MS;
    const text = "value" in query ? valueText(one, BUCKET_MS) : countText(one, BUCKET_MS);
    const answer = await api.points(text, { fromMs: toMs - DAY_MS, toMs, bucketMs: BUCKET_MS }, signal);
    if (!answer.ok) return verdictOf(answer.error);
    return [...answer.value.values()].some((value) => value !== null);
  };
  const own = await has(fillRelease(written, release));
  if (own === true) return GOOD;
  if (own !== false) return own;
  const rest = withoutRelease(written);
  if (!isAlwaysThere || rest === undefined) return GOOD;
  const others = await has(rest);
  if (others === true) return GOOD;
  if (others !== false) return others;
  return { verdict: "fail", reason: `${written.metric} had no points in {${rest.scope}} in the last 24 h` };
}
