import type { Reading, ReleaseCounters } from "../../src/model/ports.ts";
import {
  fold,
  initialState,
  type TickInput,
  type WatchDefinition,
  type WatchState,
} from "../../src/watch/fold.ts";
import { probeSchema, ruleSchema, type Probe, type Rule } from "../../src/watch/rule.ts";
import type * as z from "zod";

export const START = Date.UTC(2026, 0, 5, 10);

export function ruleOf(fields: Partial<z.input<typeof ruleSchema>> = {}): Rule {
  const limit = fields.below === undefined && fields.above === undefined ? { above: 1 } : {};
  return ruleSchema.parse({
    id: "errors",
    signal: "errorRatePercent",
    for: "2s",
    minRequests: 100,
    ...limit,
    ...fields,
  });
}

export function probeOf(fields: Partial<z.input<typeof probeSchema>> = {}): Probe {
  return probeSchema.parse({ id: "health", path: "/health", ...fields });
}

export function definitionOf(fields: Partial<WatchDefinition> = {}): WatchDefinition {
  return {
    rules: [ruleOf()],
    probes: [],
    release: "v2",
    previousRelease: "v1",
    durationMs: 10_000,
    intervalMs: 1000,
    ...fields,
  };
}

/** Counters whose answers all took between 5 and 10 ms. */
export function counters(requests: number, errors: number): ReleaseCounters {
  const latency = [5, 10, 100, Infinity].map((leMs) => ({ leMs, count: leMs === 5 ? 0 : requests }));
  return { requests, errors, latency };
}

export function reading(atMs: number, releases: Record<string, ReleaseCounters>): Reading {
  return { state: "counters", at: new Date(START + atMs), releases };
}

/** One tick with the release's counters. */
export function counted(atMs: number, requests: number, errors: number): [number, TickInput] {
  return [atMs, { readings: { edge: reading(atMs, { v2: counters(requests, errors) }) }, probes: {} }];
}

/** One tick at which the source gave nothing. */
export function blind(atMs: number, state: "no-data" | "error" = "no-data"): [number, TickInput] {
  return [atMs, { readings: { edge: { state, at: new Date(START + atMs), reason: "gone" } }, probes: {} }];
}

/** The state after these ticks, each [ms since the start, what was seen]. */
export function foldAll(
  definition: WatchDefinition,
  ticks: readonly [number, TickInput][],
  from?: WatchState,
): WatchState {
  let state = from ?? initialState(definition, START);
  for (const [atMs, input] of ticks) state = fold(definition, state, input, START + atMs);
  return state;
}

/** Ticks once a second with steady traffic. */
export function steady(
  seconds: number,
  perSecond: number,
  errorsPerSecond: number,
  fromSecond = 0,
): [number, TickInput][] {
  return Array.from({ length: seconds + 1 }, (_, index) => {
    const second = fromSecond + index;
    return counted(second * 1000, second * perSecond, second * errorsPerSecond);
  });
}
