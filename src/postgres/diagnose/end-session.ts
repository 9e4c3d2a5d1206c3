import type { Clock } from "../../lib/clock.ts";
import type { Session } from "../session/connect.ts";

export type EndOutcome =
  /** Seen: the statement no longer runs, or the session is gone. */
  | "ended"
  /** Seen: it goes on as before. */
  | "still-there"
  /** It was gone, at another statement, or another one had its pid, before anything was done. */
  | "not-found";

export interface SessionName {
  pid: number;
  /** As in SessionFacts. */
  backendStart: string;
  queryStart: string | null;
}

const POLL_MS = 100;

/**
 * Cancels the statement of a session, or ends the session, and looks what became of it for `patienceMs`. The
 * identity is checked in the statement that acts, so that neither a session which took over the pid nor a later
 * statement is ever hit. Safe to
 * repeat. A role that may not do it gets pg.DatabaseError 42501.
 */
export async function endSession(
  session: Session,
  { pid, backendStart, queryStart }: SessionName,
  how: "cancel" | "terminate",
  { clock, patienceMs, signal }: { clock: Clock; patienceMs: number; signal: AbortSignal },
): Promise<EndOutcome> {
  const act = how === "cancel" ? "pg_cancel_backend" : "pg_terminate_backend";
  // Materialized, so that the planner cannot evaluate the act before the conditions: in a WHERE clause it does.
  const [before] = await session.query<{ query: string | null }>(
    `with found as materialized (
       select pid, query_start::text as query from pg_stat_activity
       where pid = $1 and backend_start = $2::timestamptz and query_start is not distinct from $3::timestamptz
         and backend_type = 'client backend'
     )
     select query, ${act}(pid) as asked from found`,
    [pid, backendStart, queryStart],
  );
  if (before === undefined) return "not-found";
  const until = clock.monotonicMs() + patienceMs;
  for (;;) {
    const [now] = await session.query<{ query: string | null; state: string | null }>(
      `select query_start::text as query, state from pg_stat_activity
       where pid = $1 and backend_start = $2::timestamptz`,
      [pid, backendStart],
    );
    if (now === undefined) return "ended";
    // A cancelled statement leaves its session: idle, in a failed transaction, or at another statement.
    const hasLeft = now.state === "idle" || now.state === "idle in transaction (aborted)";
    if (how === "cancel" && (hasLeft || now.query !== before.query)) return "ended";
    if (clock.monotonicMs() >= until) return "still-there";
    await clock.sleep(POLL_MS, signal);
  }
}
