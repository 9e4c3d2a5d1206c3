import type { SeriesAnswer, SeriesQuestion, ValuePoint } from "../../../model/signal-source.ts";
import { fillRelease, literalPattern, parseSelector, printSelector, printString } from "../selector.ts";
import type { Api, Result, Sample, Series } from "./api.ts";
import { LOOKBACK_MS, stepAt } from "./increases.ts";
import type { ValueQuery } from "./settings.ts";

/**
 * One value a step. Of a plain series the last sample of the step, as of when it was taken; of an expression what it
 * gives at the step's end, which by Prometheus' own rules may rest on samples that are up to 5 min old.
 */
export async function queryValues(
  api: Api,
  query: ValueQuery,
  question: SeriesQuestion,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const [values, maxima] = await Promise.all([
    readSeries(api, query.value, question, signal),
    query.max === undefined || typeof query.max === "number"
      ? { ok: true as const, value: [] }
      : readSeries(api, query.max, reachingBack(question), signal),
  ]);
  if (!values.ok) return values.error;
  if (!maxima.ok) return maxima.error;
  for (const [expression, series] of [
    [query.value, values.value],
    [query.max, maxima.value],
  ] as const)
    if (series.length > 1)
      return { state: "error", reason: tooMany(String(expression), series), isLasting: true };
  const samples = values.value[0]?.samples ?? [];
  const maximumAt = (atMs: number): number | undefined =>
    typeof query.max === "number" ? query.max : lastUpTo(maxima.value[0]?.samples ?? [], atMs);
  const points = samples
    .filter(({ value }) => Number.isFinite(value))
    .map(({ atMs, value }): ValuePoint => {
      const max = maximumAt(atMs);
      return { atMs, value, ...(max === undefined ? {} : { max }) };
    });
  if (points.length > 0) return { state: "values", points };
  const raw = samples[0] === undefined ? "[]" : String(samples[0].value);
  const reason = samples[0] === undefined ? `${query.value} gives nothing` : `${query.value} gives no number`;
  return { state: "no-data", reason, raw };
}

/** What is said of an expression that gives more than one number. */
export function tooMany(expression: string, series: readonly Series[]): string {
  return `${expression} gives ${series.length} series instead of one: put sum(…), max(…) or min(…) around it`;
}

/** Pure. {release} inside the quoted texts of an expression; where a pattern is matched, the release stands for itself. */
export function fillExpression(expression: string, release: string): string {
  return expression.replaceAll(
    /(=~|!~)?(\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/g,
    (_whole, pattern: string | undefined, space: string, quoted: string) => {
      const text = pattern === undefined ? release : literalPattern(release);
      const inside = quoted.startsWith("`") ? text : printString(text).slice(1, -1).replaceAll("'", "\\'");
      return `${pattern ?? ""}${space}${quoted.replaceAll("{release}", () => inside)}`;
    },
  );
}

async function readSeries(
  api: Api,
  expression: string,
  question: SeriesQuestion,
  signal: AbortSignal,
): Promise<Result<Series[]>> {
  const { release, fromMs, toMs, stepMs } = question;
  const parsed = parseSelector(expression);
  if ("problem" in parsed) {
    const span = { startMs: fromMs + stepMs, endMs: toMs, stepMs };
    return await api.range(fillExpression(expression, release), span, signal);
  }
  const selector = printSelector(fillRelease(parsed.selector, release));
  const answer = await api.samples(selector, fromMs, toMs, signal);
  if (!answer.ok) return answer;
  const value = answer.value.map(({ labels, samples }) => ({
    labels,
    samples: lastOfSteps(samples, question),
  }));
  return { ok: true, value };
}

/** The same steps, and those before from which a value may still stand. */
function reachingBack(question: SeriesQuestion): SeriesQuestion {
  const steps = Math.ceil(LOOKBACK_MS / question.stepMs);
  return { ...question, fromMs: question.fromMs - steps * question.stepMs };
}

function lastOfSteps(samples: readonly Sample[], question: SeriesQuestion): Sample[] {
  const last = new Map(samples.map((sample) => [stepAt(question, sample.atMs), sample]));
  return [...last.values()];
}

/** Not of a sample that is older than Prometheus itself would take. */
function lastUpTo(samples: readonly Sample[], atMs: number): number | undefined {
  const last = samples.findLast((sample) => sample.atMs <= atMs && Number.isFinite(sample.value));
  return last === undefined || atMs - last.atMs > LOOKBACK_MS ? undefined : last.value;
}
