import { readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { randomText } from "../lib/id.ts";
import { isAlive } from "../lib/process.ts";
import { ownedName, ownerOf } from "./embedded/claim.ts";
import { createDatabase, dropDatabase, withDatabase } from "./embedded/database.ts";
import { openCluster } from "./embedded/open-cluster.ts";
import { removeCluster } from "./embedded/remove-cluster.ts";

/**
 * A Postgres server for tests, rehearsals and proofs of backups: its data is gone when it is closed, and it does
 * not wait for the disk.
 */
export interface ThrowawayPostgres {
  /** Connection string of the database "postgres", from which others are created. */
  adminUrl: string;
  /** Connection string of a new, empty database. */
  url(): Promise<string>;
  /** See createThrowawayDatabase. */
  createDatabase(template?: string): Promise<ThrowawayDatabase>;
  /** Stops the server and removes its data. Safe to repeat. */
  close(): Promise<void>;
}

export interface ThrowawayDatabase {
  name: string;
  url: string;
  /** Ends every session in the database and removes it. Safe to repeat. */
  drop(): Promise<void>;
}

const PREFIX = "tminus-throwaway-";

/**
 * Starts a server of its own in the folder for temporary files. What an earlier process left there, because
 * it was killed before `close`, is stopped and removed. minimal: loading and indexing new tables is not logged.
 * Errors: STATE_UNAVAILABLE, STATE_PLATFORM.
 */
export async function openThrowawayPostgres(log: "full" | "minimal" = "full"): Promise<ThrowawayPostgres> {
  await removeAbandoned();
  const directory = join(tmpdir(), `${PREFIX}${ownedName()}`);
  const close = (): Promise<void> => remove(directory);
  try {
    const settings = log === "full" ? CARELESS : { ...CARELESS, ...MINIMAL_LOG };
    const { connectionString } = await openCluster({ directory, clock: systemClock, settings });
    return {
      adminUrl: connectionString,
      url: async () => (await createThrowawayDatabase(connectionString)).url,
      createDatabase: (template) => createThrowawayDatabase(connectionString, template),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A new database on the server of `adminUrl`: a copy of `template` (a database to which nobody is connected), else empty. */
export async function createThrowawayDatabase(
  adminUrl: string,
  template = "template0",
): Promise<ThrowawayDatabase> {
  const name = `t_${randomText(12)}`;
  await createDatabase(adminUrl, name, template);
  return { name, url: withDatabase(adminUrl, name), drop: () => dropDatabase(adminUrl, name) };
}

/** A rehearsal counts what a migration writes into the log; whoever counts nothing can do without most of it. */
const MINIMAL_LOG = { wal_level: "minimal", max_wal_senders: "0" };

/** Nothing of it is to be recovered. */
const CARELESS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_wal_size: "2GB",
  shared_buffers: "128MB",
  // What builds indexes does so with several connections already.
  max_parallel_maintenance_workers: String(Math.min(2, Math.max(0, availableParallelism() - 2))),
  max_connections: "100",
};

async function remove(directory: string): Promise<void> {
  await removeCluster(directory);
  rmSync(directory, { recursive: true, force: true });
}

async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? ownerOf(name.slice(PREFIX.length)) : undefined;
    if (owner !== undefined && !isAlive(owner)) await remove(join(tmpdir(), name));
  }
}
