import { randomInt } from "node:crypto";
import { hostname } from "node:os";
import { openClient, query, type Client, type Pool } from "./pool.ts";

/** First key of the advisory locks that tell a living worker from a dead one. */
const LOCK_CLASS = 7_461;

/** A worker's proof of life: a session lock that Postgres releases the moment the process is gone. */
export interface WorkerRegistration {
  /** Aborts when the connection that holds the lock is lost: others may take this worker for dead. */
  readonly lost: AbortSignal;
  /** Gives the lock up: from now on nobody counts on this worker. Safe to repeat. */
  leave(): Promise<void>;
  /** Takes it again after `leave`. */
  join(): Promise<void>;
}

/** Registers and joins. Errors: those of the connection. */
export async function registerWorker(
  connectionString: string,
  workerId: string,
): Promise<WorkerRegistration> {
  const key = randomInt(1, 2 ** 31 - 1);
  const lost = new AbortController();
  let client: Client | undefined;
  const registration: WorkerRegistration = {
    lost: lost.signal,
    async leave() {
      const leaving = client;
      client = undefined;
      await leaving?.end();
    },
    async join() {
      const joining = await openClient(connectionString);
      try {
        await joining.query("select pg_advisory_lock($1, $2)", [LOCK_CLASS, key]);
        await joining.query(
          `insert into tminus.worker (id, lock_key, host, pid) values ($1, $2, $3, $4)
           on conflict (id) do update set lock_key = excluded.lock_key`,
          [workerId, key, hostname(), process.pid],
        );
      } catch (error) {
        await joining.end();
        throw error;
      }
      client = joining;
      joining.once("end", () => {
        if (client === joining) lost.abort(new Error("the connection to the state database was lost"));
      });
    },
  };
  await registration.join();
  return registration;
}

/** Reaps on a connection of its own, which is opened when needed and again after it was lost. */
export function openReaper(
  connectionString: string,
  self: string,
): { reap(takeOver: (workerId: string) => Promise<void>): Promise<void>; close(): Promise<void> } {
  let client: Client | undefined;
  const close = async (): Promise<void> => {
    const closing = client;
    client = undefined;
    await closing?.end();
  };
  return {
    async reap(takeOver) {
      client ??= await openClient(connectionString);
      try {
        await reapDeadWorkers(client, self, takeOver);
      } catch (error) {
        await close(); // whatever it still holds is free again
        throw error;
      }
    },
    close,
  };
}

/**
 * Finds workers whose lock is free, lets `takeOver` deal with each while no peer can, then forgets them.
 * A crash in between leaves the worker to be found again.
 */
export async function reapDeadWorkers(
  client: Client,
  self: string,
  takeOver: (workerId: string) => Promise<void>,
): Promise<void> {
  const { rows } = await client.query<{ id: string; lock_key: number }>(
    "select id, lock_key from tminus.worker where id <> $1 order by started_at",
    [self],
  );
  for (const { id, lock_key: key } of rows) {
    const answer = await client.query<{ got: boolean }>("select pg_try_advisory_lock($1, $2) as got", [
      LOCK_CLASS,
      key,
    ]);
    if (answer.rows[0]?.got !== true) continue;
    try {
      await takeOver(id);
      await client.query("delete from tminus.worker where id = $1", [id]);
    } finally {
      await client.query("select pg_advisory_unlock($1, $2)", [LOCK_CLASS, key]);
    }
  }
}

/** Workers whose lock is held, from any host. */
export function liveWorkers(pool: Pool): Promise<{ id: string; host: string; pid: number }[]> {
  return query(
    pool,
    `select w.id, w.host, w.pid from tminus.worker w join pg_locks l
       on l.locktype = 'advisory' and l.classid = $1::int::oid and l.objid = w.lock_key::int::oid and l.granted
     where l.database = (select oid from pg_database where datname = current_database())`,
    [LOCK_CLASS],
  );
}

export async function countLiveWorkers(pool: Pool): Promise<number> {
  return (await liveWorkers(pool)).length;
}

/** Workers that hold an environment but have not been heard of for `expiryMs`. */
export async function findSilentWorkers(pool: Pool, self: string, expiryMs: number): Promise<string[]> {
  const rows = await query<{ worker: string }>(
    pool,
    `select distinct worker from tminus.environment_lease
     where run_id is not null and worker <> $1 and heartbeat_at < clock_timestamp() - make_interval(secs => $2)`,
    [self, expiryMs / 1000],
  );
  return rows.map(({ worker }) => worker);
}
