import { deadline } from "../../lib/clock.ts";
import type { Metric } from "../../model/metric.ts";
import type { SignalSource } from "../../model/signal-source.ts";
import type { MeasuredBefore } from "../../watch/fold/resolve-test.ts";
import type { BaselineFrom } from "../../watch/rules/watch-rule.ts";
import { burstMs, dispersionOf } from "../../watch/statistics/dispersion.ts";

const ASK_LIMIT_MS = 30_000;
const DAY_MS = 86_400_000;
/** What lies before the release is measured in steps: fine enough to see bursts, few enough to ask for. */
const FINE_STEP_MS = 10_000;
const MAX_FINE_MS = 3_600_000;
const COARSE_STEP_MS = 60_000;

/** What a series was before the release. Plain JSON: kept with the plan and with the run. */
export type Before =
  | {
      state: "counts";
      bad: number;
      total: number;
      perMinute: number;
      dispersion: number;
      burstMs: number;
      spanMs: number;
      /** Of all releases together: the source cannot tell one from another. */
      isShared?: true;
    }
  | { state: "value"; value: number; spanMs: number }
  | { state: "none"; reason: string };

/** Measures the time (fromMs, toMs]. Throws only the signal's reason. */
export async function measureBefore(
  source: SignalSource,
  metric: Metric,
  release: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<Before> {
  const wantedMs = toMs - fromMs <= MAX_FINE_MS ? FINE_STEP_MS : COARSE_STEP_MS;
  const stepMs = wantedMs * Math.max(1, Math.ceil(source.traits.floorMs / wantedMs));
  const endMs = Math.floor((toMs - source.traits.lagMs) / stepMs) * stepMs;
  const startMs = endMs - Math.max(1, Math.floor((toMs - fromMs) / stepMs)) * stepMs;
  const question = { metric, release, fromMs: startMs, toMs: endMs, stepMs };
  const answer = await source.query(question, deadline(ASK_LIMIT_MS, signal)).catch((error: unknown) => {
    signal.throwIfAborted();
    return { state: "error" as const, reason: error instanceof Error ? error.message : String(error) };
  });
  switch (answer.state) {
    case "counts": {
      // What lies before its first request is no time in which it had traffic.
      const first = answer.points.findIndex(({ total }) => total > 0);
      const points = first < 0 ? [] : answer.points.slice(first);
      const bad = points.reduce((sum, point) => sum + point.bad, 0);
      const total = points.reduce((sum, point) => sum + point.total, 0);
      const spanMs = points.reduce((sum, point) => sum + point.toMs - point.fromMs, 0);
      if (spanMs === 0) return { state: "none", reason: `${source.name} has nothing from before` };
      const perMinute = (60_000 * total) / spanMs;
      const dispersion = dispersionOf(points);
      return {
        state: "counts",
        bad,
        total,
        perMinute,
        dispersion,
        burstMs: burstMs(points, stepMs),
        spanMs,
      };
    }
    case "values": {
      if (answer.points.length === 0)
        return { state: "none", reason: `${source.name} has nothing from before` };
      const value = answer.points.reduce((sum, point) => sum + point.value, 0) / answer.points.length;
      return { state: "value", value, spanMs: endMs - startMs };
    }
    case "counter":
      return { state: "none", reason: `${source.name} does not know the past` };
    default:
      return { state: "none", reason: answer.reason };
  }
}

/** What a baseline names, before a moment; the same hours of days before are added up. Undefined for a pinned one. */
export async function measureBaseline(
  source: SignalSource,
  metric: Metric,
  release: string,
  from: Exclude<BaselineFrom, { kind: "pinned" }>,
  moment: { atMs: number; lengthMs: number },
  signal: AbortSignal,
): Promise<Before> {
  const { atMs, lengthMs } = moment;
  if (from.kind === "before")
    return measureBefore(source, metric, release, { fromMs: atMs - from.ms, toMs: atMs }, signal);
  const hoursMs = Math.min(lengthMs, DAY_MS);
  const days = await Promise.all(
    Array.from({ length: from.days }, (_, index) => {
      const startMs = atMs - (index + 1) * DAY_MS;
      return measureBefore(source, metric, release, { fromMs: startMs, toMs: startMs + hoursMs }, signal);
    }),
  );
  return added(days);
}

export function asMeasured(before: Before): MeasuredBefore | undefined {
  switch (before.state) {
    case "counts":
      return { form: "counts", bad: before.bad, total: before.total, dispersion: before.dispersion };
    case "value":
      return { form: "values", value: before.value };
    case "none":
      return undefined;
  }
}

function added(days: readonly Before[]): Before {
  const counts = days.filter((day) => day.state === "counts");
  if (counts.length > 0) {
    const sum = (of: (day: (typeof counts)[number]) => number): number =>
      counts.reduce((all, day) => all + of(day), 0);
    const spanMs = sum((day) => day.spanMs);
    const total = sum((day) => day.total);
    return {
      state: "counts",
      bad: sum((day) => day.bad),
      total,
      perMinute: spanMs > 0 ? (60_000 * total) / spanMs : 0,
      dispersion: Math.max(...counts.map((day) => day.dispersion)),
      burstMs: Math.max(...counts.map((day) => day.burstMs)),
      spanMs,
    };
  }
  const values = days.filter((day) => day.state === "value");
  if (values.length === 0) return days[0] ?? { state: "none", reason: "there is no day before" };
  const value = values.reduce((all, day) => all + day.value, 0) / values.length;
  return { state: "value", value, spanMs: values.reduce((all, day) => all + day.spanMs, 0) };
}
