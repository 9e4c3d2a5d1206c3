import { TminusError } from "../../errors.ts";
import type { Session } from "../session/connect.ts";
import type { MigrateOptions } from "./migrate-options.ts";

/** Arbitrary but fixed: "tmin" in ASCII, and one for migrations. */
const LOCK_KEY = [0x746d696e, 1];
const POLL_MS = 100;
const TRIES = 900;
const TELL_EVERY = 50;

/**
 * Takes the advisory lock that other tminus sessions on this database respect, until the session ends. After
 * a crash it is also what waits for the backend left behind. A courtesy: the fence is what protects.
 * Errors: MIGRATION_LOCKED after 90 s.
 */
export async function takeSessionLock(
  session: Session,
  { clock, signal, progress }: MigrateOptions,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const [row] = await session.query<{ got: boolean }>(
      "select pg_try_advisory_lock($1, $2) as got",
      LOCK_KEY,
    );
    if (row?.got === true) return;
    if (tries % TELL_EVERY === 0)
      progress(`waiting for another migration of this database: ${await holder(session)}`);
    await clock.sleep(POLL_MS, signal);
  }
  throw new TminusError(
    "MIGRATION_LOCKED",
    `another migration of this database has been running for ${(TRIES * POLL_MS) / 1000} s: ${await holder(session)}`,
  );
}

async function holder(session: Session): Promise<string> {
  const [row] = await session.query<{ pid: number; application: string }>(
    `select a.pid, a.application_name as application from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = 2
       and l.database = (select oid from pg_database where datname = current_database())`,
    LOCK_KEY,
  );
  return row === undefined ? "its session has just ended" : `pid ${row.pid} (${row.application})`;
}
