import { keyOf, type Sample, type Series } from "./api.ts";

/** Samples that are further apart say nothing about what was between them; Prometheus' own lookback. */
export const LOOKBACK_MS = 300_000;

/** So many more at a sample's time than at the one before. */
export interface Increase {
  atMs: number;
  by: number;
}

/** Pure. The samples whose value is a number; those of no series are left out. */
export function finite(series: readonly Series[]): Series[] {
  return series
    .map(({ labels, samples }) => ({
      labels,
      samples: samples.filter(({ value }) => Number.isFinite(value)),
    }))
    .filter(({ samples }) => samples.length > 0);
}

/**
 * Pure. What each counter grew by after fromMs, at the time of the later of two samples; `samples` reach LOOKBACK_MS
 * further back, where there are any. A value below the one before is that of a counter that began anew at 0, and so
 * is the first sample of a counter of which `isBorn` is sure that it was not there before. Nothing is known of the
 * time between two samples that are further apart than LOOKBACK_MS. `resets` are times at which the counter is known
 * to have begun anew although its value does not show it.
 */
export function increasesOf(
  { samples }: Series,
  fromMs: number,
  isBorn: (atMs: number) => boolean,
  resets: ReadonlySet<number> = new Set(),
): Increase[] {
  return samples.flatMap((sample, index): Increase[] => {
    const { atMs, value } = sample;
    const before = samples[index - 1];
    if (atMs <= fromMs) return [];
    if (before === undefined) return isBorn(atMs) ? [{ atMs, by: value }] : [];
    if (atMs - before.atMs > LOOKBACK_MS) return [];
    return [{ atMs, by: beganAnew(before, sample) || resets.has(atMs) ? value : value - before.value }];
  });
}

/** Pure. When any of the counters began anew: for those that can only do so together, as a histogram's buckets do. */
export function resetsOf(together: readonly Series[]): Set<number> {
  return new Set(
    together.flatMap(({ samples }) =>
      samples
        .filter((sample, index) => index > 0 && beganAnew(samples[index - 1]!, sample))
        .map(({ atMs }) => atMs),
    ),
  );
}

/** Pure. The series of each group that differ in this label alone. */
export function groupedWithout(label: string, series: readonly Series[]): Series[][] {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const { [label]: _own, ...others } = one.labels;
    const key = keyOf(others);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** Steps from fromMs on, counted from 0: i is (fromMs + i · stepMs, fromMs + (i + 1) · stepMs]. */
export interface Steps {
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/** Pure. Which step a time is in. */
export function stepAt({ fromMs, stepMs }: Steps, atMs: number): number {
  return Math.ceil((atMs - fromMs) / stepMs) - 1;
}

/** Pure. The increases of each step together. */
export function sumsOf(increases: readonly Increase[], steps: Steps): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { atMs, by } of increases) {
    const step = stepAt(steps, atMs);
    sums.set(step, (sums.get(step) ?? 0) + by);
  }
  return sums;
}

/**
 * Pure. The steps in which anything was sampled. Where sampling stops more than two intervals before the end of a step,
 * the rest of it is not known, and may still come.
 */
export function sampledSteps(series: readonly Series[], steps: Steps, intervalMs: number): Set<number> {
  const times = series.flatMap(({ samples }) => samples.map(({ atMs }: Sample) => atMs));
  const sampled = new Set(
    times.filter((atMs) => atMs > steps.fromMs && atMs <= steps.toMs).map((atMs) => stepAt(steps, atMs)),
  );
  const newestMs = times.reduce((newest, atMs) => Math.max(newest, atMs), -Infinity);
  const last = stepAt(steps, newestMs);
  const endMs = steps.fromMs + (last + 1) * steps.stepMs;
  if (endMs - newestMs > 2 * intervalMs) sampled.delete(last);
  return sampled;
}

function beganAnew(before: Sample, after: Sample): boolean {
  return after.value < before.value;
}
