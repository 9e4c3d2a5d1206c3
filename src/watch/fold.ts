import type { Reading, ReleaseCounters } from "../model/ports.ts";
import { isBroken, measure, selectCounters, type Measurement } from "./measure.ts";
import { holdMs, requestFloor, windowMs, type Probe, type Rule } from "./rule.ts";
import { append, deltaOver, emptySeries, type Series } from "./window.ts";

/**
 * A watch as a pure fold over what was seen, tick by tick. All state is plain JSON, so a watch that was
 * interrupted at any tick goes on from the stored state as if nothing had happened; only the time in which
 * nobody looked is missing, and is counted as not seen.
 */
export interface WatchDefinition {
  rules: readonly Rule[];
  probes: readonly Probe[];
  release: string;
  previousRelease: string | undefined;
  durationMs: number;
  /** Between two ticks. */
  intervalMs: number;
}

export interface WatchState {
  startedAtMs: number;
  /** Fixed at the start: an interruption does not prolong a watch. */
  endsAtMs: number;
  lastTickMs: number | null;
  /** Between ticks that were too far apart, in all. */
  unwatchedMs: number;
  /** The first of those. */
  gaps: { fromMs: number; toMs: number }[];
  rules: Record<string, RuleState>;
  probes: Record<string, ProbeState>;
}

export type RuleStatus =
  | { state: "pending" }
  | { state: "ok"; value: number; requests: number }
  | { state: "breaching"; value: number; requests: number; sinceMs: number; heldMs: number }
  /** Fewer requests than the floor, or a window not full yet. */
  | { state: "insufficient"; requests: number }
  | { state: "no-data"; reason: string }
  | { state: "stale"; reason: string }
  | { state: "error"; reason: string };

export interface RuleState {
  status: RuleStatus;
  series: Series;
  /** Time of the newest counters. */
  lastSeenMs: number | null;
  /** A tick without counters came after them. */
  missed: boolean;
  /** Time between counters that followed each other closely, as far as it lies in the window. */
  seenMs: number;
  /** That part of it in which the rule could be judged. */
  judgedMs: number;
  lastJudged: { atMs: number; isBroken: boolean; value: number; requests: number } | null;
  /** Set while it is broken; ticks without counters neither end nor lengthen it. */
  hold: { sinceMs: number; heldMs: number } | null;
  breach: { atMs: number; heldMs: number; value: number; requests: number } | null;
  accepted: Acceptance | null;
}

export type ProbeOutcome =
  | { outcome: "ok"; latencyMs: number }
  | { outcome: "failed"; reason: string }
  /** It could not be asked. */
  | { outcome: "unknown"; reason: string };

export interface ProbeState {
  last: ProbeOutcome | null;
  failuresInRow: number;
  counts: { ok: number; failed: number; unknown: number };
  breach: { atMs: number; reason: string } | null;
  accepted: Acceptance | null;
}

/** Who said that a breach may stand. */
export interface Acceptance {
  by: string;
  note: string;
  atMs: number;
}

/** What was seen at one tick. A source or probe that is left out was not asked. */
export interface TickInput {
  /** By name of the source. */
  readings: Record<string, Reading>;
  /** By id of the probe. */
  probes: Record<string, ProbeOutcome>;
}

const MAX_GAPS = 50;
const READ_ALLOWANCE_MS = 3000;

export function initialState(definition: WatchDefinition, atMs: number): WatchState {
  return {
    startedAtMs: atMs,
    endsAtMs: atMs + definition.durationMs,
    lastTickMs: null,
    unwatchedMs: 0,
    gaps: [],
    rules: Object.fromEntries(definition.rules.map((rule) => [rule.id, initialRule()])),
    probes: Object.fromEntries(definition.probes.map((probe) => [probe.id, initialProbe()])),
  };
}

/** Two looks that are further apart than this have a gap between them: two intervals and the time to read. */
export function maxGapMs(definition: WatchDefinition): number {
  return 2 * definition.intervalMs + READ_ALLOWANCE_MS;
}

/** The state after one more tick. A tick that is not later than the last one changes nothing. */
export function fold(
  definition: WatchDefinition,
  state: WatchState,
  input: TickInput,
  atMs: number,
): WatchState {
  if (state.lastTickMs !== null && atMs <= state.lastTickMs) return state;
  const gap = { fromMs: state.lastTickMs ?? state.startedAtMs, toMs: atMs };
  const isGap = gap.toMs - gap.fromMs > maxGapMs(definition);
  const time = { atMs, endsAtMs: state.endsAtMs };
  const rules = definition.rules.map((rule) => {
    const before = state.rules[rule.id] ?? initialRule();
    return [rule.id, foldRule(definition, rule, before, input.readings[rule.source], time)];
  });
  const probes = definition.probes.map((probe) => {
    const before = state.probes[probe.id] ?? initialProbe();
    return [probe.id, foldProbe(probe, before, input.probes[probe.id], atMs)];
  });
  return {
    ...state,
    lastTickMs: atMs,
    unwatchedMs: state.unwatchedMs + (isGap ? gap.toMs - gap.fromMs : 0),
    gaps: isGap && state.gaps.length < MAX_GAPS ? [...state.gaps, gap] : state.gaps,
    rules: Object.fromEntries(rules) as Record<string, RuleState>,
    probes: Object.fromEntries(probes) as Record<string, ProbeState>,
  };
}

/** A person lets the breach of a rule or probe stand: it is not looked at again in this watch. */
export function accept(state: WatchState, id: string, acceptance: Acceptance): WatchState {
  const rule = state.rules[id];
  const probe = state.probes[id];
  return {
    ...state,
    rules: rule?.breach ? { ...state.rules, [id]: { ...rule, accepted: acceptance } } : state.rules,
    probes: probe?.breach ? { ...state.probes, [id]: { ...probe, accepted: acceptance } } : state.probes,
  };
}

function foldRule(
  definition: WatchDefinition,
  rule: Rule,
  before: RuleState,
  reading: Reading | undefined,
  time: { atMs: number; endsAtMs: number },
): RuleState {
  if (before.breach !== null) return before;
  const seen = countersFor(definition, rule, reading, time.atMs);
  if (seen.state !== "counters") return { ...before, status: seen, missed: true };
  const { lastSeenMs } = before;
  if (lastSeenMs !== null && seen.atMs <= lastSeenMs) return before;
  const stepMs = lastSeenMs === null ? 0 : seen.atMs - lastSeenMs;
  const isGap = stepMs > maxGapMs(definition);
  const series = append(
    isGap ? emptySeries : before.series,
    seen.atMs,
    selectCounters(rule, seen.counters),
    windowMs(rule),
  );
  const heldMs = isGap || before.missed ? 0 : stepMs;
  // What is seen after the end of the window is no evidence about the window.
  const seenMs = Math.min(heldMs, Math.max(0, time.endsAtMs - seen.atMs + stepMs));
  const next = { ...before, series, lastSeenMs: seen.atMs, missed: false, seenMs: before.seenMs + seenMs };
  return judge(rule, next, { heldMs, seenMs });
}

/** Sets the status from the series. `since` is the time since the last reading, as far as it was watched. */
function judge(rule: Rule, state: RuleState, since: { heldMs: number; seenMs: number }): RuleState {
  const delta = deltaOver(state.series, windowMs(rule));
  const measurement = delta === undefined ? undefined : measure(rule, delta);
  const { value, requests } = measurement ?? { value: 0, requests: 0 };
  const floor = requestFloor(rule);
  const isFull = floor > 0 ? requests >= floor : (delta?.spanMs ?? 0) >= windowMs(rule);
  if (measurement === undefined || !isFull)
    return { ...state, hold: null, status: { state: "insufficient", requests } };
  const broken = isBroken(rule, measurement);
  if (broken === undefined) {
    return { ...state, hold: null, status: { state: "error", reason: beyondHistogram(measurement) } };
  }
  const atMs = state.series.samples.at(-1)?.atMs ?? 0;
  const judged = {
    ...state,
    judgedMs: state.judgedMs + since.seenMs,
    lastJudged: { atMs, isBroken: broken, value, requests },
  };
  if (!broken) return { ...judged, hold: null, status: { state: "ok", value, requests } };
  const hold = {
    sinceMs: state.hold?.sinceMs ?? atMs,
    heldMs: state.hold === null ? 0 : state.hold.heldMs + since.heldMs,
  };
  const breach = hold.heldMs >= holdMs(rule) ? { atMs, heldMs: hold.heldMs, value, requests } : null;
  return { ...judged, hold, breach, status: { state: "breaching", value, requests, ...hold } };
}

/** What the source says about the rule's release, or why it says nothing. */
function countersFor(
  definition: WatchDefinition,
  rule: Rule,
  reading: Reading | undefined,
  atMs: number,
): { state: "counters"; atMs: number; counters: ReleaseCounters } | Extract<RuleStatus, { reason: string }> {
  if (reading === undefined) return { state: "error", reason: `there is no signal source "${rule.source}"` };
  if (reading.state !== "counters") return { state: reading.state, reason: reading.reason };
  const ageMs = atMs - reading.at.getTime();
  if (ageMs > maxGapMs(definition))
    return { state: "stale", reason: `newest data is ${Math.round(ageMs / 1000)} s old` };
  const release = rule.of === "release" ? definition.release : definition.previousRelease;
  if (release === undefined) return { state: "no-data", reason: "there is no previous release" };
  const counters = Object.hasOwn(reading.releases, release) ? reading.releases[release] : undefined;
  if (counters === undefined) return { state: "no-data", reason: `nothing about release ${release}` };
  if (!isSane(counters)) return { state: "error", reason: "the source gave counts that cannot be" };
  return { state: "counters", atMs: reading.at.getTime(), counters };
}

/** Counts are finite and not negative, buckets rise. Anything else must not become a value. */
function isSane({ requests, errors, latency }: ReleaseCounters): boolean {
  const isCount = (count: number): boolean => Number.isFinite(count) && count >= 0;
  const rises = latency.every((bucket, index) => {
    const before = latency[index - 1] ?? { leMs: -Infinity, count: 0 };
    return isCount(bucket.count) && bucket.leMs > before.leMs && bucket.count >= before.count;
  });
  return isCount(requests) && isCount(errors) && rises;
}

function foldProbe(
  probe: Probe,
  before: ProbeState,
  seen: ProbeOutcome | undefined,
  atMs: number,
): ProbeState {
  if (before.breach !== null || seen === undefined) return before;
  const counts = { ...before.counts, [seen.outcome]: before.counts[seen.outcome] + 1 };
  if (seen.outcome === "unknown") return { ...before, last: seen, counts };
  if (seen.outcome === "ok") return { ...before, last: seen, counts, failuresInRow: 0 };
  const failuresInRow = before.failuresInRow + 1;
  const breach = failuresInRow >= probe.failures ? { atMs, reason: seen.reason } : null;
  return { ...before, last: seen, counts, failuresInRow, breach };
}

function initialRule(): RuleState {
  return {
    status: { state: "pending" },
    series: emptySeries,
    lastSeenMs: null,
    missed: false,
    seenMs: 0,
    judgedMs: 0,
    lastJudged: null,
    hold: null,
    breach: null,
    accepted: null,
  };
}

function initialProbe(): ProbeState {
  return {
    last: null,
    failuresInRow: 0,
    counts: { ok: 0, failed: 0, unknown: 0 },
    breach: null,
    accepted: null,
  };
}

function beyondHistogram({ kind, value }: Measurement): string {
  const known = kind === "at-least" ? `${value} ms or more` : "unknown";
  return `the source's histogram ends before the limit; the value is ${known}`;
}
