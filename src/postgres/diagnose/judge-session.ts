import { isOwn, type SessionFacts } from "./session-facts.ts";

export interface JudgeLimits {
  /** A statement that runs longer counts as long. */
  longSeconds: number;
  /** A transaction that idles longer counts as forgotten. */
  idleSeconds: number;
}

export const DEFAULT_LIMITS: JudgeLimits = { longSeconds: 60, idleSeconds: 60 };

export type SessionVerdict =
  /** It does harm: ending it helps. `how`: what ends it with the least loss. */
  | { harm: true; how: "cancel" | "terminate"; reason: string }
  /** Ending it would hurt without helping. */
  | { harm: false; reason: string };

/**
 * Pure: whether a session may be ended. Only one that keeps others from their locks, or runs or idles in a
 * transaction for too long; never a healthy one, and never one of tminus's own, which a run may stand on: for
 * that there are hold and abort (C12; a runbook that ends every session of a database kills the application too).
 */
export function judgeSession(
  session: SessionFacts,
  sessions: readonly SessionFacts[],
  limits: JudgeLimits = DEFAULT_LIMITS,
): SessionVerdict {
  if (isOwn(session))
    return { harm: false, reason: "it belongs to tminus: use tminus hold or tminus abort on its run" };
  if (session.state === "hidden")
    return {
      harm: false,
      reason: "this role may not see what it does: ask with one that has pg_read_all_stats",
    };
  const waiting = sessions.filter(({ blockedBy }) => blockedBy.includes(session.pid)).length;
  const isIdle = session.state.startsWith("idle in transaction");
  const how = isIdle ? "terminate" : "cancel";
  if (waiting > 0) return { harm: true, how, reason: `${waiting} wait for its locks` };
  if (isIdle && (session.stateSeconds ?? 0) > limits.idleSeconds) {
    return { harm: true, how, reason: `its transaction has idled for ${session.stateSeconds} s` };
  }
  if (session.state === "active" && (session.querySeconds ?? 0) > limits.longSeconds) {
    return { harm: true, how, reason: `its statement has run for ${session.querySeconds} s` };
  }
  return {
    harm: false,
    reason: "it is healthy: it blocks nobody, and neither its statement nor an idle transaction is old",
  };
}
