import { formatDuration } from "../lib/duration.ts";
import type { Verdict } from "../model/verdict.ts";
import { maxGapMs, type ProbeState, type RuleState, type WatchDefinition, type WatchState } from "./fold.ts";
import { formatValue, limitOf, requestFloor, subjectOf, windowMs, type Probe, type Rule } from "./rule.ts";

/** A rule or probe that is broken and that nobody has accepted. */
export interface Breach {
  id: string;
  onBreach: "rollback" | "hold";
  /** With its numbers, a sentence. */
  text: string;
}

/** Of the time that a rule was seen, at least this share must have been enough to judge it. */
const MIN_JUDGED_SHARE = 0.5;
/** Of the length of the watch, at most this share may go unseen. */
const MAX_UNSEEN_SHARE = 0.05;

/** What is broken and not accepted; those that roll back come first. */
export function openBreaches(definition: WatchDefinition, state: WatchState): Breach[] {
  const rules = definition.rules.flatMap((rule): Breach[] => {
    const own = state.rules[rule.id];
    if (!own?.breach || own.accepted !== null) return [];
    return [{ id: rule.id, onBreach: rule.onBreach, text: ruleBreachText(rule, own.breach) }];
  });
  const probes = definition.probes.flatMap((probe): Breach[] => {
    const own = state.probes[probe.id];
    if (!own?.breach || own.accepted !== null) return [];
    return [{ id: probe.id, onBreach: probe.onBreach, text: probeBreachText(probe, own) }];
  });
  const all = [...rules, ...probes];
  return [
    ...all.filter((breach) => breach.onBreach === "rollback"),
    ...all.filter((breach) => breach.onBreach === "hold"),
  ];
}

/**
 * The verdict when the window is over. It passes only when every rule and probe that nobody accepted was proven
 * good: seen nearly all the time, with enough requests to judge it, and good to the end. Anything broken fails;
 * everything else is unknown. Before the window is over it is unknown, whatever was seen.
 */
export function finalVerdict(definition: WatchDefinition, state: WatchState): Verdict {
  const breaches = openBreaches(definition, state);
  if (breaches.length > 0)
    return { verdict: "fail", reason: sentences(breaches.map((breach) => breach.text)) };
  if (state.lastTickMs === null || state.lastTickMs < state.endsAtMs) {
    return { verdict: "unknown", reason: "the watch was not carried to its end" };
  }
  const ruled = definition.rules.map((rule) =>
    judgeRule(definition, rule, state.rules[rule.id], state.endsAtMs),
  );
  const probed = definition.probes.map((probe) =>
    judgeProbe(definition, probe, state.probes[probe.id], state),
  );
  const parts = [...ruled, ...probed];
  const doubts = parts.filter((part) => part.verdict !== "pass");
  if (parts.length === 0) return { verdict: "unknown", reason: "there is nothing to judge by" };
  if (doubts.length > 0) return { verdict: "unknown", reason: sentences(doubts.map((part) => part.reason)) };
  return { verdict: "pass", reason: sentences(parts.map((part) => part.reason)) };
}

interface Part {
  verdict: "pass" | "unknown";
  reason: string;
}

function judgeRule(
  definition: WatchDefinition,
  rule: Rule,
  state: RuleState | undefined,
  endsAtMs: number,
): Part {
  if (state === undefined) return unknown(`${rule.id}: was never looked at`);
  if (state.accepted !== null) return pass(`${rule.id}: broken, accepted by ${state.accepted.by}`);
  const unseenMs = definition.durationMs - state.seenMs;
  const last = state.lastJudged;
  if (unseenMs > allowedUnseenMs(definition)) {
    const why = "reason" in state.status ? ` (${state.status.reason})` : "";
    return unknown(
      `${rule.id}: nothing was seen for ${formatDuration(unseenMs)} of ${formatDuration(definition.durationMs)}${why}`,
    );
  }
  const floor = requestFloor(rule);
  const isStale =
    last === null || endsAtMs - last.atMs > Math.max(windowMs(rule), definition.durationMs / 10);
  if (isStale || state.judgedMs < state.seenMs * MIN_JUDGED_SHARE) {
    const judged = `could be judged for ${formatDuration(state.judgedMs)} of ${formatDuration(definition.durationMs)} only`;
    return unknown(
      `${rule.id}: ${judged}${floor === 0 ? "" : `, for want of ${floor} requests in its window`}`,
    );
  }
  const value = `${subjectOf(rule)} at the end ${formatValue(rule, last.value)} (${last.requests} requests)`;
  if (last.isBroken) return unknown(`${rule.id}: ${value}, ${limitOf(rule)}, but not for ${rule.for} yet`);
  return pass(`${rule.id}: ${value}, never ${limitOf(rule)} for ${rule.for}`);
}

function judgeProbe(
  definition: WatchDefinition,
  probe: Probe,
  state: ProbeState | undefined,
  watch: WatchState,
): Part {
  if (state === undefined || state.last === null) return unknown(`${probe.id}: was never asked`);
  if (state.accepted !== null) return pass(`${probe.id}: broken, accepted by ${state.accepted.by}`);
  const { ok, failed, unknown: unasked } = state.counts;
  const asked = ok + failed + unasked;
  if (watch.unwatchedMs > allowedUnseenMs(definition)) {
    return unknown(`${probe.id}: was not asked for ${formatDuration(watch.unwatchedMs)}`);
  }
  if (unasked > Math.max(1, asked * MAX_UNSEEN_SHARE)) {
    return unknown(`${probe.id}: could not be asked ${unasked} of ${asked} times`);
  }
  if (state.last.outcome !== "ok")
    return unknown(`${probe.id}: the last answer was not good: ${state.last.reason}`);
  return pass(`${probe.id}: ${ok} of ${asked} answers good`);
}

function allowedUnseenMs(definition: WatchDefinition): number {
  const short = Math.min(2 * definition.intervalMs, maxGapMs(definition));
  return Math.max(definition.durationMs * MAX_UNSEEN_SHARE, short);
}

function ruleBreachText(rule: Rule, breach: { value: number; requests: number; heldMs: number }): string {
  const counted = rule.signal === "errorRatePercent" || rule.signal === "slowSharePercent";
  const bad = Math.round((breach.value / 100) * breach.requests);
  const of = counted ? `${bad} of ${breach.requests} requests` : `${breach.requests} requests`;
  const held = breach.heldMs === 0 ? "" : ` for ${formatDuration(breach.heldMs)}`;
  return `${rule.id}: ${subjectOf(rule)} ${formatValue(rule, breach.value)} (${of}), ${limitOf(rule)}${held}`;
}

function probeBreachText(probe: Probe, state: ProbeState): string {
  const times = state.failuresInRow === 1 ? "" : `, ${state.failuresInRow} times in a row`;
  return `${probe.id}: GET ${probe.path} did not answer as it must${times}: ${state.breach?.reason ?? ""}`;
}

function sentences(parts: readonly string[]): string {
  return parts.join("; ");
}

function pass(reason: string): Part {
  return { verdict: "pass", reason };
}

function unknown(reason: string): Part {
  return { verdict: "unknown", reason };
}
