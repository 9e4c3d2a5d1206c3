import type { Block } from "../statistics/block-evidence.ts";
import type { Added } from "./added.ts";
import type { Sample } from "./rule-state.ts";

/** How far back samples are needed, and how far back in fine steps of time. */
export interface Windows {
  fineMs: number;
  keepMs: number;
}

/** Each of the two windows is kept in about this many steps. */
const STEPS = 240;

/**
 * The samples with one more, without those that no window needs. What is older than the fine window is kept in coarser
 * steps, so that their number is bounded whatever the cadence.
 */
export function withSample(
  samples: readonly Sample[],
  { fromMs, toMs, release, control }: Added,
  { fineMs, keepMs }: Windows,
): Sample[] {
  const nothing = control === undefined ? {} : { control: { bad: 0, total: 0 } };
  const last: Sample = samples.at(-1) ?? { atMs: fromMs, seenMs: 0, bad: 0, total: 0, ...nothing };
  const next: Sample = {
    atMs: toMs,
    seenMs: last.seenMs + toMs - fromMs,
    bad: last.bad + release.bad,
    total: last.total + release.total,
    ...(control === undefined
      ? {}
      : {
          control: {
            bad: (last.control?.bad ?? 0) + control.bad,
            total: (last.control?.total ?? 0) + control.total,
          },
        }),
  };
  const all = samples.length === 0 ? [last, next] : [...samples, next];
  const first = all.findLastIndex(({ atMs }) => atMs <= toMs - keepMs);
  return thinned(first > 0 ? all.slice(first) : all, toMs - fineMs, fineMs / STEPS, keepMs / STEPS);
}

/** What happened in the last `windowMs` before the newest sample, as far as it is known. */
export function sumOver(samples: readonly Sample[], windowMs: number): Block {
  const [from, last] = edgesOf(samples, windowMs);
  if (from === undefined || last === undefined) return { bad: 0, total: 0 };
  return { bad: last.bad - from.bad, total: last.total - from.total };
}

/** The same of the control. */
export function controlOver(samples: readonly Sample[], windowMs: number): Block {
  const [from, last] = edgesOf(samples, windowMs);
  return {
    bad: (last?.control?.bad ?? 0) - (from?.control?.bad ?? 0),
    total: (last?.control?.total ?? 0) - (from?.control?.total ?? 0),
  };
}

/** How much of the last `windowMs` was seen. */
export function seenOver(samples: readonly Sample[], windowMs: number): number {
  const [from, last] = edgesOf(samples, windowMs);
  return Math.min(windowMs, (last?.seenMs ?? 0) - (from?.seenMs ?? 0));
}

function edgesOf(samples: readonly Sample[], windowMs: number): [Sample | undefined, Sample | undefined] {
  const last = samples.at(-1);
  if (last === undefined) return [undefined, undefined];
  return [samples.findLast(({ atMs }) => atMs <= last.atMs - windowMs) ?? samples[0], last];
}

/** Of the samples in one step the first is kept, and always the edge of the fine window and the newest. */
function thinned(samples: readonly Sample[], edgeMs: number, fineMs: number, coarseMs: number): Sample[] {
  const edge = samples.findLastIndex(({ atMs }) => atMs <= edgeMs);
  const kept: Sample[] = [];
  for (const [index, sample] of samples.entries()) {
    const stepMs = index < edge ? coarseMs : fineMs;
    const before = kept.at(-1);
    const isNew =
      before === undefined || Math.floor(sample.atMs / stepMs) !== Math.floor(before.atMs / stepMs);
    if (isNew || index === edge || index === samples.length - 1) kept.push(sample);
  }
  return kept;
}
