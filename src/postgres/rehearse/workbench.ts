import type { Clock } from "../../lib/clock.ts";
import { openSession, type Session } from "../session/connect.ts";
import { FOREIGN_SCHEMAS, modeName, type LockRow } from "./reading.ts";

/** The database in which a rehearsal is made: one session, and where possible a second one that watches it. */
export interface Workbench extends AsyncDisposable {
  /** One statement with values, or a whole text without. What the database refuses is thrown as pg.DatabaseError. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Ends an open transaction; harmless without one. */
  rollback(): Promise<void>;
  /** Back to the session's own settings. */
  reset(): Promise<void>;
  /**
   * Runs `work` and collects the locks that the session is seen to hold meanwhile; undefined when nobody can look.
   * `workMs`: how long it took, without the time for which it was held up to be looked at.
   */
  watched(work: () => Promise<unknown>): Promise<{ locks: LockRow[] | undefined; workMs: number }>;
}

/** A migration in a rehearsal has to end some time. */
const STATEMENT_TIMEOUT_MS = 30 * 60_000;
const WATCH_TIMEOUT_MS = 10_000;
/** Looks without a pause at first, because small work is over soon. */
const EAGER_LOOKS = 2_000;
const PAUSE_MS = 5;

export interface ServerWorkbenchOptions {
  connectionString: string;
  clock: Clock;
  signal: AbortSignal;
}

/** Errors: DATABASE_UNREACHABLE. */
export async function openServerWorkbench(options: ServerWorkbenchOptions): Promise<Workbench> {
  const { connectionString, clock, signal } = options;
  const session = await openSession({
    connectionString,
    purpose: "rehearse",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    signal,
  });
  return {
    query: (text, values) => session.query(text, values),
    rollback: () => session.rollback(),
    reset: () => session.reset(),
    async watched(work) {
      const watch = await watchSession(connectionString, session, clock);
      try {
        const startedMs = clock.monotonicMs();
        await work();
        const endedMs = clock.monotonicMs();
        const { locks, freedMs } = await watch.stop();
        return { locks, workMs: endedMs - Math.max(startedMs, freedMs) };
      } finally {
        await watch.stop();
      }
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/**
 * Watches a session from another one. That one first locks every table against nobody but what waits for users of a
 * table, as all that runs CONCURRENTLY does once it has its locks: until it is seen to wait, it cannot have ended.
 */
async function watchSession(connectionString: string, { pid }: Session, clock: Clock) {
  const eyes = await openSession({
    connectionString,
    purpose: "rehearse watch",
    statementTimeoutMs: WATCH_TIMEOUT_MS,
  });
  const found = new Map<string, LockRow>();
  const ending = new AbortController();
  let failed = false;
  /** When it was no longer held up. */
  let freedMs = 0;
  const look = async (): Promise<boolean> => {
    const rows = await eyes.query<LockRow & { relation: boolean; granted: boolean }>(LOCKS_OF, [pid]);
    for (const { oid, mode, relation } of rows)
      if (relation) found.set(`${oid} ${mode}`, { oid, mode: modeName(mode) });
    return rows.some(({ granted }) => !granted);
  };
  const watch = async (): Promise<void> => {
    let isHolding = true;
    for (let looks = 0; !ending.signal.aborted; looks++) {
      const isWaiting = await look();
      if (isWaiting && isHolding) {
        await eyes.rollback();
        freedMs = clock.monotonicMs();
        isHolding = false;
      }
      if (!isHolding || looks > EAGER_LOOKS) await clock.sleep(PAUSE_MS);
    }
  };
  await eyes.query("begin");
  await eyes.query(USE_EVERY_TABLE);
  const watching = watch().catch(async () => {
    // Without eyes the locks are not known, which is what undefined says; and nobody waits for a session that ended.
    failed = true;
    await eyes[Symbol.asyncDispose]();
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    ending.abort();
    await watching;
    await eyes[Symbol.asyncDispose]();
  };
  return {
    async stop() {
      await (closing ??= close());
      return { locks: failed ? undefined : [...found.values()], freedMs };
    },
  };
}

/** A lock that is waited for will be held: it counts. */
const LOCKS_OF = `
  select coalesce(relation, 0)::text as oid, mode, locktype = 'relation' as relation, granted from pg_locks
  where pid = $1 and (not granted or (locktype = 'relation' and mode <> 'AccessShareLock'))`;

const USE_EVERY_TABLE = `
  do $do$
  declare
    name text;
  begin
    for name in select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname !~ '${FOREIGN_SCHEMAS}' limit 2000
    loop
      execute 'lock table ' || name || ' in row exclusive mode';
    end loop;
  end
  $do$`;
