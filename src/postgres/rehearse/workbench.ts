import { hasCode } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { openSession, type Session } from "../session/connect.ts";
import { modeName, type LockRow } from "./reading.ts";

/** The database in which a rehearsal is made: one session, and where possible a second one that watches it. */
export interface Workbench extends AsyncDisposable {
  /** One statement with values, or a whole text without. What the database refuses is thrown as pg.DatabaseError. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Ends an open transaction; harmless without one. */
  rollback(): Promise<void>;
  /** Back to the session's own settings. */
  reset(): Promise<void>;
  /** Runs `work` and collects the locks that the session is seen to hold meanwhile; undefined when nobody can look. */
  watched<T>(work: () => Promise<T>): Promise<{ value: T; locks: LockRow[] | undefined }>;
}

/** A migration in a rehearsal has to end some time. */
const STATEMENT_TIMEOUT_MS = 30 * 60_000;
const WATCH_TIMEOUT_MS = 10_000;
/** Looks without a pause at first, because small work is over soon. */
const EAGER_LOOKS = 2_000;
const PAUSE_MS = 20;

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
        const value = await work();
        return { value, locks: await watch.stop() };
      } finally {
        await watch.stop();
      }
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

async function watchSession(connectionString: string, { pid }: Session, clock: Clock) {
  const eyes = await openSession({
    connectionString,
    purpose: "rehearse watch",
    statementTimeoutMs: WATCH_TIMEOUT_MS,
  });
  const found = new Map<string, LockRow>();
  const ending = new AbortController();
  let failed = false;
  const watching = (async () => {
    for (let looks = 0; !ending.signal.aborted; looks++) {
      const rows = await eyes.query<LockRow>(
        `select relation::text as oid, mode from pg_locks
         where pid = $1 and locktype = 'relation' and granted and mode <> 'AccessShareLock'`,
        [pid],
      );
      for (const { oid, mode } of rows) found.set(`${oid} ${mode}`, { oid, mode: modeName(mode) });
      if (looks > EAGER_LOOKS) await clock.sleep(PAUSE_MS);
    }
  })().catch((error: unknown) => {
    // Without eyes the locks are not known, which is what undefined says.
    if (!hasCode(error, "DATABASE_UNREACHABLE")) throw error;
    failed = true;
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    ending.abort();
    await watching;
    await eyes[Symbol.asyncDispose]();
  };
  return {
    async stop(): Promise<LockRow[] | undefined> {
      await (closing ??= close());
      return failed ? undefined : [...found.values()];
    },
  };
}
