import { deadline, type Clock } from "../../lib/clock.ts";
import { openSession, type Session } from "./connect.ts";

/** A session that stood in the way. */
export interface Blocker {
  pid: number;
  application: string;
  state: string;
  /** Since the begin of its transaction. */
  ageSeconds: number;
  /** First 80 characters. */
  query: string;
}

/** A lock of a table that a session waited for. */
export interface AwaitedLock {
  /** Quoted, with its schema. */
  table: string;
  /** As LOCK TABLE writes it: "share row exclusive". */
  mode: string;
}

export interface LockWatch {
  /** Who blocked when there was somebody last; empty when nobody was caught. */
  stop(): Promise<Blocker[]>;
  /** What it waited for last, when that was a table that it may lock by itself. */
  awaited(): AwaitedLock | undefined;
}

const POLL_MS = 15;
const MAX_POLLS = 100_000;
const QUERY_TIMEOUT_MS = 5_000;

/**
 * Looks, over a second connection, at who blocks a backend for as long as it works: afterwards the server no
 * longer knows. Only for naming them: when it cannot look, nobody is named.
 */
export function watchLocks(connectionString: string, pid: number, clock: Clock): LockWatch {
  const stopping = new AbortController();
  let last: Blocker[] = [];
  let awaited: AwaitedLock | undefined;
  const watching = (async () => {
    await using session = await openSession({
      connectionString,
      purpose: "lock watch",
      statementTimeoutMs: QUERY_TIMEOUT_MS,
    });
    for (let polls = 0; polls < MAX_POLLS && !stopping.signal.aborted; polls++) {
      const blockers = await readBlockers(session, pid);
      if (blockers.length > 0) {
        last = blockers;
        awaited = (await readAwaited(session, pid)) ?? awaited;
      }
      await clock.sleep(POLL_MS, deadline(QUERY_TIMEOUT_MS, stopping.signal));
    }
  })().catch(() => undefined); // ends by stop, or has nothing to tell: the lock timeout itself is reported either way
  return {
    async stop() {
      stopping.abort(new Error("stopped"));
      await watching;
      return last;
    },
    awaited: () => awaited,
  };
}

async function readBlockers(session: Session, pid: number): Promise<Blocker[]> {
  return session.query<Blocker>(
    `select a.pid, coalesce(a.application_name, '') as application, coalesce(a.state, 'unknown') as state,
       coalesce(floor(extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.query_start))), 0)::integer as "ageSeconds",
       left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 80) as query
     from pg_stat_activity a where a.pid = any (pg_blocking_pids($1)) order by a.xact_start nulls last limit 20`,
    [pid],
  );
}

async function readAwaited(session: Session, pid: number): Promise<AwaitedLock | undefined> {
  const [row] = await session.query<AwaitedLock>(
    `select format('%I.%I', n.nspname, c.relname) as table,
       lower(regexp_replace(replace(l.mode, 'Lock', ''), '([a-z])([A-Z])', '\\1 \\2', 'g')) as mode
     from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
     where l.pid = $1 and not l.granted and l.locktype = 'relation' and c.relkind in ('r', 'p')
       and has_table_privilege(c.oid, 'update, delete, truncate')`,
    [pid],
  );
  return row;
}

/** One line for people. */
export function describeBlocker({ pid, application, state, ageSeconds, query }: Blocker): string {
  const name = application === "" ? "" : ` (${application})`;
  return `pid ${pid}${name}, ${state}, for ${ageSeconds} s: ${query}`;
}
