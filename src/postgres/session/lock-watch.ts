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

export interface LockWatch {
  /** Who blocked when there was somebody last; empty when nobody was caught. */
  stop(): Promise<Blocker[]>;
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
  const watching = (async () => {
    await using session = await openSession({
      connectionString,
      purpose: "lock watch",
      statementTimeoutMs: QUERY_TIMEOUT_MS,
    });
    for (let polls = 0; polls < MAX_POLLS && !stopping.signal.aborted; polls++) {
      const blockers = await readBlockers(session, pid);
      if (blockers.length > 0) last = blockers;
      await clock.sleep(POLL_MS, deadline(QUERY_TIMEOUT_MS, stopping.signal));
    }
  })().catch(() => undefined); // ends by stop, or has nothing to tell: the lock timeout itself is reported either way
  return {
    async stop() {
      stopping.abort(new Error("stopped"));
      await watching;
      return last;
    },
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

/** One line for people. */
export function describeBlocker({ pid, application, state, ageSeconds, query }: Blocker): string {
  const name = application === "" ? "" : ` (${application})`;
  return `pid ${pid}${name}, ${state}, for ${ageSeconds} s: ${query}`;
}
