import type { LockTarget, StrongMode } from "../sql/strong-locks.ts";
import type { Session } from "./connect.ts";

/** Who holds a lock. */
export interface Holder {
  /** Null for a prepared transaction, which no session holds. */
  pid: number | null;
  /** Name of the prepared transaction. */
  gid: string | null;
  application: string;
  state: string;
  /** Begin of its transaction as the server writes it; null when it does not tell. */
  began: string | null;
  /** Of its transaction; null when the server does not tell. */
  ageMs: number | null;
  /** How long it has been idle in its transaction; null when it works. */
  idleMs: number | null;
  /** First 80 characters. */
  query: string;
}

const WEAKEST = ["AccessShareLock", "RowShareLock"];
/** Modes that do not conflict: https://www.postgresql.org/docs/18/explicit-locking.html#TABLE-LOCK-COMPATIBILITY */
const COMPATIBLE: Record<StrongMode, readonly string[]> = {
  ShareLock: [...WEAKEST, "ShareLock"],
  ShareRowExclusiveLock: WEAKEST,
  AccessExclusiveLock: [],
};

/** Columns of a Holder; expects pg_stat_activity as a and pg_prepared_xacts as p. */
const COLUMNS = `a.pid, p.gid, coalesce(a.application_name, '') as application, coalesce(a.state, case when a.pid is null then 'prepared' else 'in a state that only pg_read_all_stats may see' end) as state,
  coalesce(a.xact_start, a.query_start, p.prepared)::text as began,
  extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.query_start, p.prepared))::float8 * 1000 as "ageMs",
  case when a.state like 'idle in transaction%' then extract(epoch from clock_timestamp() - a.state_change)::float8 * 1000 end as "idleMs",
  left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 80) as query`;

const NAMED = "array(select to_regclass(name)::oid from unnest($1::text[]) n (name))";

/**
 * Whether anybody else holds any lock on tables that $1 names, or on those of its indexes: text[] as namesOf answers.
 * To plan the long question costs more than to answer this one, whose answer mostly is: nobody.
 */
export const ANYBODY = `select from pg_locks l where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
  and l.relation = any (${NAMED} || array(select indrelid from pg_index where indexrelid = any (${NAMED}))) limit 1`;

const CONFLICTING = `
  with named as (select to_regclass(name)::oid as oid, compatible from jsonb_to_recordset($1) as n (name text, compatible jsonb)),
    target as (
      select oid, compatible from named where oid is not null
      union all select i.indrelid, compatible from named join pg_index i on i.indexrelid = named.oid)
  select distinct ${COLUMNS} from target
  join pg_locks l on l.locktype = 'relation' and l.relation = target.oid and l.granted
    and l.database = (select oid from pg_database where datname = current_database())
    and not target.compatible ? l.mode and l.pid is distinct from pg_backend_pid()
  left join pg_stat_activity a on a.pid = l.pid
  left join pg_prepared_xacts p on l.pid is null and l.virtualtransaction = '-1/' || p.transaction::text
  where coalesce(a.backend_type, case when a.usesysid is null and a.pid is not null then 'autovacuum worker' end) is distinct from 'autovacuum worker'
  order by "ageMs" desc nulls last limit 20`;

/**
 * Who holds locks that conflict with those targets that exist, longest first. Takes no lock on them. Autovacuum
 * is left out: PostgreSQL itself cancels it for whoever waits a second. Without pg_read_all_stats it is told by having
 * no user, which no other process that locks a table is without.
 */
export async function readHolders(session: Session, targets: readonly LockTarget[]): Promise<Holder[]> {
  const names = namesOf(targets);
  const anybody = await session.prepared("tminus_anybody", ANYBODY, [names]);
  if (anybody.length === 0) return [];
  const named = targets.map(({ mode }, index) => ({ name: names[index], compatible: COMPATIBLE[mode] }));
  return session.prepared<Holder>("tminus_holders", CONFLICTING, [JSON.stringify(named)]);
}

/** Quoted, for ANYBODY; in the order of the targets. */
export function namesOf(targets: readonly LockTarget[]): string[] {
  return targets.map(({ relation: { schema, name } }) =>
    [...(schema === undefined ? [] : [schema]), name].map(quoted).join("."),
  );
}

/**
 * Whose snapshots CREATE INDEX CONCURRENTLY and its kin would have to outwait: dumps, and transactions older
 * than `olderThanMs`. Longest first. Without pg_read_all_stats the age of others' is not told: of them it answers the dumps.
 */
export async function readOldSnapshots(session: Session, olderThanMs: number): Promise<Holder[]> {
  return session.query<Holder>(
    `select ${COLUMNS} from pg_stat_activity a left join pg_prepared_xacts p on false
     where a.datname = current_database() and a.pid <> pg_backend_pid() and coalesce(a.backend_type, 'client backend') = 'client backend'
       and a.usesysid is not null and a.backend_xmin is not null
       and (a.application_name ~ '^pg_dump' or clock_timestamp() - a.xact_start > $1 * interval '1 millisecond')
     order by a.xact_start limit 20`,
    [olderThanMs],
  );
}

/** Dumps of this database that are under way. */
export async function readDumps(session: Session): Promise<Holder[]> {
  return session.query<Holder>(
    `select ${COLUMNS} from pg_stat_activity a left join pg_prepared_xacts p on false
     where a.datname = current_database() and a.application_name ~ '^pg_dump'
       and coalesce(a.xact_start::text, a.backend_xmin::text) is not null
     order by a.xact_start limit 20`,
  );
}

/**
 * How many sessions of other roles hold a snapshot of which the server does not tell this role the age: who may not
 * see that (pg_read_all_stats) cannot say that nobody is in the way.
 */
export async function countUnseenSnapshots(session: Session): Promise<number> {
  const [row] = await session.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and usesysid is not null
       and backend_type is null and backend_xmin is not null and application_name !~ '^pg_dump'`,
  );
  return row?.count ?? 0;
}

/** One line for people. */
export function describeHolder({ pid, gid, application, state, ageMs, query }: Holder): string {
  if (pid === null) return `the prepared transaction ${gid ?? ""}`;
  const name = application === "" ? "" : ` (${application})`;
  const age = ageMs === null ? "" : `, for ${Math.floor(ageMs / 1000)} s`;
  return `pid ${pid}${name}, ${state}${age}: ${query}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
