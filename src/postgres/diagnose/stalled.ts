import { isOwn, type SessionFacts } from "./session-facts.ts";

/** A session that changes the schema and stands still. */
export interface StalledMigration {
  session: SessionFacts;
  /** Who keeps it from its lock. */
  blockers: SessionFacts[];
  /** How many wait behind it: these are what users feel. */
  queuedBehind: number;
}

const DDL = /^(alter|create|drop|truncate|reindex|vacuum|cluster|refresh|lock|comment|grant|revoke)\b/i;

/** Pure: migrations that wait for a lock, tminus's own and anybody else's, the longest first. */
export function stalledMigrations(sessions: readonly SessionFacts[]): StalledMigration[] {
  const byPid = new Map(sessions.map((session) => [session.pid, session]));
  return sessions
    .filter((session) => session.blockedBy.length > 0 && (isOwn(session) || DDL.test(session.query)))
    .map((session) => ({
      session,
      blockers: session.blockedBy.flatMap((pid) => byPid.get(pid) ?? []),
      queuedBehind: sessions.filter(({ blockedBy }) => blockedBy.includes(session.pid)).length,
    }))
    .sort((a, b) => (b.session.querySeconds ?? 0) - (a.session.querySeconds ?? 0));
}
