import type { WatchRule } from "../rules/watch-rule.ts";

export type ProbeOutcome =
  | { outcome: "ok"; latencyMs: number }
  | { outcome: "failed"; reason: string }
  /** It could not be asked: says nothing about the release. */
  | { outcome: "unknown"; reason: string };

/** What a watch knows of one rule about a probe. Plain JSON. */
export interface ProbeState {
  last: (ProbeOutcome & { atMs: number }) | null;
  /** Of the newest answers, whether each was a failure; as many as the rule counts. */
  recent: boolean[];
  counts: { ok: number; failed: number; unknown: number };
  /** Since when it could not be asked. */
  unknownSinceMs: number | null;
  unknownLooks: number;
  failure: { atMs: number; reason: string } | null;
}

export const initialProbeState: ProbeState = {
  last: null,
  recent: [],
  counts: { ok: 0, failed: 0, unknown: 0 },
  unknownSinceMs: null,
  unknownLooks: 0,
  failure: null,
};

/** The state after one more answer. An answer that is not later than the last one changes nothing. */
export function foldProbe(
  { hold }: WatchRule,
  before: ProbeState,
  outcome: ProbeOutcome,
  atMs: number,
): ProbeState {
  if (before.failure !== null || (before.last !== null && atMs <= before.last.atMs)) return before;
  const last = { ...outcome, atMs };
  const counts = { ...before.counts, [outcome.outcome]: before.counts[outcome.outcome] + 1 };
  if (outcome.outcome === "unknown") {
    const unknownSinceMs = before.unknownSinceMs ?? atMs;
    return { ...before, last, counts, unknownSinceMs, unknownLooks: before.unknownLooks + 1 };
  }
  const { bad, looks } = hold?.kind === "of" ? hold : { bad: 1, looks: 1 };
  const recent = [...before.recent, outcome.outcome === "failed"].slice(-looks);
  const hasFailed = outcome.outcome === "failed" && recent.filter(Boolean).length >= bad;
  return {
    last,
    recent,
    counts,
    unknownSinceMs: null,
    unknownLooks: 0,
    failure: hasFailed ? { atMs, reason: outcome.reason } : null,
  };
}
