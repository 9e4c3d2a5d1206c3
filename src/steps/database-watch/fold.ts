import type { DatabaseHealth } from "../../postgres/diagnose/health.ts";

/** What must not be exceeded, and for how long it may be. */
export interface HealthLimits {
  maxConnectionsPercent: number;
  maxSlowStatements: number;
  maxBlockedSessions: number;
  maxRollbackPercent: number;
  /** With fewer transactions between two looks their share of rollbacks says nothing. */
  minTransactions: number;
  forMs: number;
  everyMs: number;
}

/** One look; the reason where the database did not answer. */
export type Look = { read: DatabaseHealth } | { unread: string };

const NAMES = ["connectionsPercent", "slowStatements", "blockedSessions", "rollbackPercent"] as const;
type Name = (typeof NAMES)[number];
export type Values = Partial<Record<Name, number>>;

/** Plain JSON, kept after every look. */
export type HealthState = {
  startedAtMs: number;
  lastLookMs: number | null;
  last: DatabaseHealth | null;
  /** Since when each limit has been exceeded without a gap. */
  exceededSinceMs: Partial<Record<Name, number>>;
  looks: number;
  /** Looks that were not answered, or not wholly. */
  unread: number;
  /** Why the last of them was not. */
  unreadReason: string;
  /** Highest seen. */
  worst: Values;
};

export function initialHealth(startedAtMs: number): HealthState {
  return {
    startedAtMs,
    lastLookMs: null,
    last: null,
    exceededSinceMs: {},
    looks: 0,
    unread: 0,
    unreadReason: "",
    worst: {},
  };
}

/**
 * Pure: takes one look in. A limit counts as exceeded only while every look sees it: one that was not read, or a
 * gap of more than three intervals, begins anew, because not seeing is no proof of harm.
 */
export function foldHealth(state: HealthState, look: Look, atMs: number, limits: HealthLimits): HealthState {
  const base = { ...state, lastLookMs: atMs, looks: state.looks + 1 };
  if ("unread" in look)
    return { ...base, last: null, exceededSinceMs: {}, unread: state.unread + 1, unreadReason: look.unread };
  const isGap = state.lastLookMs !== null && atMs - state.lastLookMs > 3 * limits.everyMs;
  const values = valuesOf(look.read, state.last, limits);
  const since = isGap ? {} : state.exceededSinceMs;
  const exceededSinceMs: HealthState["exceededSinceMs"] = {};
  const worst = { ...state.worst };
  for (const name of NAMES) {
    const value = values[name];
    if (value === undefined) continue;
    worst[name] = Math.max(worst[name] ?? 0, value);
    if (value > limitOf(name, limits)) exceededSinceMs[name] = since[name] ?? atMs;
  }
  const seen = { ...base, last: look.read, exceededSinceMs, worst };
  const { hiddenSessions } = look.read;
  if (hiddenSessions === 0) return seen;
  // What was seen can break a limit; that nothing did proves nothing.
  const unreadReason = `the role may not see what ${hiddenSessions} sessions do: grant it pg_read_all_stats`;
  return { ...seen, unread: state.unread + 1, unreadReason };
}

/** What broke, as a sentence; undefined while nothing did. */
export function findBreach(state: HealthState, limits: HealthLimits): string | undefined {
  const { lastLookMs } = state;
  if (lastLookMs === null) return undefined;
  for (const name of NAMES) {
    const since = state.exceededSinceMs[name];
    if (since === undefined || lastLookMs - since < limits.forMs) continue;
    return `${WORDS[name]} above ${limitOf(name, limits)} for ${Math.round((lastLookMs - since) / 1000)} s (up to ${state.worst[name]})`;
  }
  return undefined;
}

/** How much of the window was really seen. */
export function coveragePercent(state: HealthState, durationMs: number, everyMs: number): number {
  const expected = Math.max(1, Math.floor(durationMs / everyMs));
  return Math.min(100, Math.round((100 * (state.looks - state.unread)) / expected));
}

const WORDS: Record<Name, string> = {
  connectionsPercent: "connections in use (percent of the limit)",
  slowStatements: "slow statements",
  blockedSessions: "sessions that wait for a lock",
  rollbackPercent: "transactions rolled back (percent)",
};

function valuesOf(now: DatabaseHealth, before: DatabaseHealth | null, limits: HealthLimits): Values {
  const { connectionsPercent, slowStatements, blockedSessions } = now;
  const values: Values = { connectionsPercent, slowStatements, blockedSessions };
  if (before === null) return values;
  const rolledBack = now.rolledBack - before.rolledBack;
  const total = now.committed - before.committed + rolledBack;
  // Counters that went back were reset.
  if (rolledBack < 0 || total < Math.max(1, limits.minTransactions)) return values;
  return { ...values, rollbackPercent: Math.round((1000 * rolledBack) / total) / 10 };
}

function limitOf(name: Name, limits: HealthLimits): number {
  switch (name) {
    case "connectionsPercent":
      return limits.maxConnectionsPercent;
    case "slowStatements":
      return limits.maxSlowStatements;
    case "blockedSessions":
      return limits.maxBlockedSessions;
    case "rollbackPercent":
      return limits.maxRollbackPercent;
  }
}
