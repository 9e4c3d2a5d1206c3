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
export async function takeSessionLock(session: Session, options: MigrateOptions): Promise<void> {
  await takeLock(session, OWN, options);
}

/**
 * Takes the advisory lock with which the tool that owns the files keeps a second migration out, until the session
 * ends; call it with the session lock held. Errors: MIGRATION_LOCKED after 90 s.
 */
export async function takeOwnerLock(
  session: Session,
  key: string,
  owner: string,
  options: MigrateOptions,
): Promise<void> {
  const lock = {
    call: "pg_try_advisory_lock($1::bigint)",
    values: [key],
    parts: [0, Number(key), 1],
    who: `a migration by ${owner}`,
  };
  await takeLock(session, lock, options);
}

interface Lock {
  call: string;
  values: unknown[];
  /** classid, objid and objsubid in pg_locks. */
  parts: readonly number[];
  /** Who may hold it, for people. */
  who: string;
}

const OWN: Lock = {
  call: "pg_try_advisory_lock($1, $2)",
  values: LOCK_KEY,
  parts: [...LOCK_KEY, 2],
  who: "another migration of this database",
};

async function takeLock(session: Session, lock: Lock, options: MigrateOptions): Promise<void> {
  const { clock, signal, progress } = options;
  for (let tries = 0; tries < TRIES; tries++) {
    const [row] = await session.query<{ got: boolean }>(`select ${lock.call} as got`, lock.values);
    if (row?.got === true) return;
    if (tries % TELL_EVERY === 0) progress(`waiting for ${lock.who}: ${await holder(session, lock)}`);
    if (tries > 0 && tries % TELL_EVERY === 0) await endOrphan(session, lock, options);
    await clock.sleep(POLL_MS, signal);
  }
  throw new TminusError(
    "MIGRATION_LOCKED",
    `${lock.who} has been running for ${(TRIES * POLL_MS) / 1000} s: ${await holder(session, lock)}`,
  );
}

/**
 * What an earlier attempt of this very run left working in the server: its client is gone, because the run's
 * lease has one worker at a time. Ended only when the options say so; else the server's own check ends it.
 */
async function endOrphan(session: Session, { parts }: Lock, options: MigrateOptions): Promise<void> {
  if (options.endOrphan !== true) return;
  const orphans = await session.query<{ pid: number }>(
    `select a.pid from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = $3
       and l.database = (select oid from pg_database where datname = current_database())
       and a.application_name = current_setting('application_name') and a.pid <> pg_backend_pid()`,
    [...parts],
  );
  for (const { pid } of orphans) {
    // Apart from the question: PostgreSQL is free to call a function of a WHERE before the other conditions.
    await session.query("select pg_terminate_backend($1)", [pid]);
    options.progress(`ended pid ${pid}, which an earlier attempt left working`);
  }
}

async function holder(session: Session, { parts }: Lock): Promise<string> {
  const [row] = await session.query<{ pid: number; application: string }>(
    `select a.pid, a.application_name as application from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = $3
       and l.database = (select oid from pg_database where datname = current_database())`,
    [...parts],
  );
  return row === undefined ? "its session has just ended" : `pid ${row.pid} (${row.application})`;
}
