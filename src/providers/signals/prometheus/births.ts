import { nameOnly, printSelector, type Selector } from "../selector.ts";
import { keyOf, type Api, type Result, type Series } from "./api.ts";
import { LOOKBACK_MS, type Steps } from "./increases.ts";

/** A series that was seen in so long a time is not a new one when it comes back. */
const REMEMBERED = "1d";

export interface Births {
  /** Whether a series without a sample before this time began to exist then, so that it counts from 0. */
  isBorn(series: Series, atMs: number): boolean;
  /** Whether none of the series was ever there before the range. */
  areAllNew: boolean;
}

/**
 * A series that appears is born when it was not there the day before and its metric was being read at the time
 * shortly before: then its absence is known. When the metric itself appears, with Prometheus or after an outage, what
 * the counters say has been gathered over a time that nobody knows. `names` are metrics that appear together.
 */
export async function findBirths(
  api: Api,
  question: {
    selector: Selector;
    names: readonly Selector[];
    appearing: readonly Series[];
    steps: Steps;
    intervalMs: number;
  },
  signal: AbortSignal,
): Promise<Result<Births>> {
  const { selector, names, appearing, steps, intervalMs } = question;
  const remembered = `last_over_time(${printSelector(selector)}[${REMEMBERED}])`;
  const before = await api.instant(remembered, steps.fromMs - LOOKBACK_MS, signal);
  if (!before.ok) return before;
  const known = new Set(before.value.map(({ labels }) => keyOf(labels)));
  /** Two scrapes before, so that an outage which ends for one target after the other is not taken for births. */
  const lookedAt = (atMs: number): number => (Math.floor(atMs / intervalMs) - 2) * intervalMs;
  const times = appearing
    .filter(({ labels }) => !known.has(keyOf(labels)))
    .map(({ samples }) => lookedAt(samples[0]!.atMs));
  const read = await timesRead(api, names, { times, stepMs: intervalMs, windowMs: LOOKBACK_MS }, signal);
  if (!read.ok) return read;
  return {
    ok: true,
    value: {
      isBorn: ({ labels }, atMs) => !known.has(keyOf(labels)) && read.value.has(lookedAt(atMs)),
      areAllNew: known.size === 0,
    },
  };
}

/** At which of the times, all on one grid of stepMs, any series of the metrics had a sample not older than windowMs. */
export async function timesRead(
  api: Api,
  names: readonly Selector[],
  { times, stepMs, windowMs }: { times: readonly number[]; stepMs: number; windowMs: number },
  signal: AbortSignal,
): Promise<Result<Set<number>>> {
  if (times.length === 0) return { ok: true, value: new Set() };
  const samples = names.map((name) => `count_over_time(${printSelector(nameOnly(name))}[${windowMs}ms])`);
  const span = { startMs: Math.min(...times), endMs: Math.max(...times), stepMs };
  const answer = await api.range(`count(${samples.join(" or ")})`, span, signal);
  if (!answer.ok) return answer;
  return {
    ok: true,
    value: new Set(answer.value.flatMap(({ samples: seen }) => seen.map(({ atMs }) => atMs))),
  };
}
