import type { Reading } from "../session/connect.ts";

/** What the server knows of one session of the database, at one moment. */
export interface SessionFacts {
  pid: number;
  /** With the pid it names the session for good: a pid is used again. As PostgreSQL prints it. */
  backendStart: string;
  /** With both it names the statement: a session that has gone on to another one may be healthy. */
  queryStart: string | null;
  user: string;
  application: string;
  /** Empty for a local socket. */
  client: string;
  /** active, idle, idle in transaction, …; "hidden" when the role may not see it. */
  state: string;
  /** "Lock relation", "Client ClientRead"; empty when it waits for nothing. */
  waitsFor: string;
  /** Since the begin of its transaction; null without one. */
  transactionSeconds: number | null;
  /** Of the running statement, or the one before when it is idle; null when there was none. */
  querySeconds: number | null;
  /** Since the state last changed. */
  stateSeconds: number | null;
  /** First 300 characters, on one line. */
  query: string;
  /** Those that keep it from its lock; empty when it waits for none. */
  blockedBy: number[];
}

/**
 * Every client session of the current database but our own, oldest transaction first; those of other roles too when
 * the server hides all but their pid, because one of them may be who blocks. Reads only. Ages come from
 * clock_timestamp() - query_start and its like: pg_stat_activity has no column "duration".
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
 */
export async function readSessions(session: Reading): Promise<SessionFacts[]> {
  return session.query<SessionFacts>(
    `select a.pid, a.backend_start::text as "backendStart", a.query_start::text as "queryStart",
       coalesce(a.usename, '') as user,
       coalesce(a.application_name, '') as application, coalesce(host(a.client_addr), '') as client,
       coalesce(a.state, 'hidden') as state,
       case when a.wait_event is null then '' else a.wait_event_type || ' ' || a.wait_event end as "waitsFor",
       ${secondsSince("a.xact_start")} as "transactionSeconds",
       ${secondsSince("a.query_start")} as "querySeconds",
       ${secondsSince("a.state_change")} as "stateSeconds",
       left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 300) as query,
       case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}' end as "blockedBy"
     from pg_stat_activity a
     where a.datname = current_database() and a.pid <> pg_backend_pid()
       and (a.backend_type = 'client backend' or (a.backend_type is null and a.usesysid is not null))
     order by a.xact_start nulls last, a.pid`,
  );
}

function secondsSince(column: string): string {
  return `round(extract(epoch from clock_timestamp() - ${column})::numeric, 1)::float8`;
}

/** Whether the session is one of tminus's own, by the name that every one of them carries. */
export function isOwn({ application }: SessionFacts): boolean {
  return application === "tminus" || application.startsWith("tminus ");
}
