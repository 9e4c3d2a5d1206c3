import { printSelector, type Selector } from "../selector.ts";
import type { Api, Result, Series } from "./api.ts";
import { findBirths, timesRead, type Births } from "./births.ts";
import { readRestarts, type Restarts } from "./process-starts.ts";
import { finite, LOOKBACK_MS, sampledSteps, stepAt, type Steps } from "./increases.ts";

export interface CountersQuestion {
  selector: Selector;
  /** Metrics that are read together with it, its own among them. */
  names: readonly Selector[];
  steps: Steps;
  intervalMs: number;
}

export interface Counters {
  /** With their samples from LOOKBACK_MS before the range on. */
  series: Series[];
  isBorn: Births["isBorn"];
  /** As their processes tell, beside what their values show. */
  restartsOf: Restarts;
  /** Steps of which it is known how many there were: sampled ones, and those before any of the series existed. */
  known: Set<number>;
  /** Why nothing is known, if so. */
  nothing: { reason: string; raw?: string };
}

/** The counters that a selector selects, and how much is known of them. */
export async function readCounters(
  api: Api,
  question: CountersQuestion,
  signal: AbortSignal,
): Promise<Result<Counters>> {
  const { selector, steps } = question;
  const answer = await api.samples(printSelector(selector), steps.fromMs - LOOKBACK_MS, steps.toMs, signal);
  if (!answer.ok) return answer;
  const series = finite(answer.value);
  const restarts = await readRestarts(api, series, steps, signal);
  if (!restarts.ok) return restarts;
  const counters: Counters = {
    series,
    isBorn: () => false,
    restartsOf: restarts.value,
    known: sampledSteps(series, steps, question.intervalMs),
    nothing: whyNothing(printSelector(selector), answer.value, series),
  };
  const appearing = series.filter(({ samples }) => samples[0]!.atMs > steps.fromMs);
  if (appearing.length === 0 && answer.value.length > 0) return { ok: true, value: counters };

  const births = await findBirths(api, { ...question, appearing }, signal);
  if (!births.ok) return births;
  counters.isBorn = births.value.isBorn;
  if (!births.value.areAllNew || appearing.length < series.length) return { ok: true, value: counters };
  const zeros = await stepsBefore(api, question, appearing, signal);
  if (!zeros.ok) return zeros;
  for (const step of zeros.value) counters.known.add(step);
  return { ok: true, value: counters };
}

/** Steps before the first of the series was there, in which the metric was read: nothing was counted in them. */
async function stepsBefore(
  api: Api,
  { selector, steps }: CountersQuestion,
  appearing: readonly Series[],
  signal: AbortSignal,
): Promise<Result<number[]>> {
  const { fromMs, toMs, stepMs } = steps;
  const firstMs = Math.min(...appearing.map(({ samples }) => samples[0]!.atMs));
  const count = appearing.length === 0 ? (toMs - fromMs) / stepMs : stepAt(steps, firstMs);
  const ends = Array.from({ length: count }, (_, step) => fromMs + (step + 1) * stepMs);
  const read = await timesRead(api, [selector], { times: ends, stepMs, windowMs: stepMs }, signal);
  if (!read.ok) return read;
  return { ok: true, value: ends.filter((at) => read.value.has(at)).map((at) => stepAt(steps, at)) };
}

function whyNothing(
  selector: string,
  answered: readonly Series[],
  series: readonly Series[],
): Counters["nothing"] {
  const value = answered.find(({ samples }) => samples.length > 0)?.samples[0]?.value;
  if (value === undefined) return { reason: `there are no series of ${selector}` };
  if (series.length === 0) return { reason: `${selector} has no value that is a number`, raw: String(value) };
  const newestMs = Math.max(...series.map(({ samples }) => samples.at(-1)!.atMs));
  return { reason: `the newest sample of ${selector} is of ${new Date(newestMs).toISOString()}` };
}
