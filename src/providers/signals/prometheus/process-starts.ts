import { START_METRIC, isOtherStart } from "../../../model/process-start.ts";
import { literalPattern, printSelector, type Matcher } from "../selector.ts";
import type { Api, Result, Sample, Series } from "./api.ts";
import { LOOKBACK_MS, type Steps } from "./increases.ts";

/** What names the process that a series is scraped from. */
const TARGET_LABELS = ["job", "instance"] as const;
/** A pattern that names more is too long; then the processes of all are asked for. */
const MAX_NAMED = 50;

/** At which of its samples a counter is that of another process than at the one before. */
export type Restarts = (series: Series) => ReadonlySet<number>;

/**
 * Reads when the processes began that the series are of, where they say so: a counter that has more after a restart
 * than before it does not show it in its value.
 */
export async function readRestarts(
  api: Api,
  series: readonly Series[],
  { fromMs, toMs }: Steps,
  signal: AbortSignal,
): Promise<Result<Restarts>> {
  const ofProcesses = series.filter(({ labels }) => labels.instance !== undefined);
  if (ofProcesses.length === 0) return { ok: true, value: () => new Set() };
  const matchers = TARGET_LABELS.flatMap((label) => matcherOf(label, ofProcesses));
  const name: Matcher = { label: "__name__", operator: "=", value: START_METRIC };
  const selector = printSelector({ matchers: [name, ...matchers] });
  const answer = await api.samples(selector, fromMs - LOOKBACK_MS, toMs, signal);
  if (!answer.ok) return answer;
  const starts = new Map(answer.value.map((one) => [targetOf(one), one.samples]));
  return { ok: true, value: (one) => restartsOf(one.samples, starts.get(targetOf(one)) ?? []) };
}

function matcherOf(label: string, series: readonly Series[]): Matcher[] {
  const values = [...new Set(series.flatMap(({ labels }) => labels[label] ?? []))];
  if (values.length === 0 || values.length > MAX_NAMED) return [];
  return [{ label, operator: "=~", value: values.map((value) => literalPattern(value)).join("|") }];
}

function targetOf({ labels }: Series): string {
  return JSON.stringify(TARGET_LABELS.map((label) => labels[label] ?? ""));
}

function restartsOf(samples: readonly Sample[], starts: readonly Sample[]): Set<number> {
  const startAt = (atMs: number): number | undefined => starts.findLast((start) => start.atMs <= atMs)?.value;
  return new Set(
    samples
      .filter(({ atMs }, index) => {
        const before = samples[index - 1];
        return before !== undefined && isOtherStart(startAt(before.atMs), startAt(atMs));
      })
      .map(({ atMs }) => atMs),
  );
}
