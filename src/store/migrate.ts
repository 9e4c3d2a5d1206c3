import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { TminusError } from "../errors.ts";
import { openClient, type Client } from "./pool.ts";

const directory = fileURLToPath(new URL("./migrations", import.meta.url));
/** Arbitrary but fixed: the advisory lock under which tminus changes its own schema. */
const LOCK_KEY = 7_461_646_975;
const LOCK_LOOK_MS = 100;
const LOCK_NOT_AVAILABLE = "55P03"; // https://www.postgresql.org/docs/18/errcodes-appendix.html

/** How long a change of the schema waits for tables that are in use. */
interface TableWaits {
  /** At a time: whoever waits for a table keeps everybody who comes later from it. Between two tries it waits half as long. */
  tableMs: number;
  /** In all, over every file. */
  tries: number;
}

const usualWaits: TableWaits = { tableMs: 2_000, tries: 30 };

/**
 * Runs `alsoUnderLock` (the engine's own migrations), then brings tminus's own schema up to date. Only one
 * process at a time does it: the lock is polled, because a blocking one deadlocks with CREATE INDEX
 * CONCURRENTLY in the engine's migrations. Idempotent. Errors: STATE_UNAVAILABLE.
 */
export async function migrateStore(
  connectionString: string,
  clock: Clock,
  alsoUnderLock: () => Promise<void>,
  waits = usualWaits,
): Promise<void> {
  const client = await openClient(connectionString);
  try {
    await lock(client, clock, waits);
    // Last what isMigrated looks at: when that is there, everything is, whoever died or started in between.
    await alsoUnderLock();
    await applyPending(client, clock, waits);
  } finally {
    await client.end(); // ends the session and with it the lock
  }
}

/** Whether the schema is there and complete: cheaper than taking the lock on every start. */
export async function isMigrated(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    "select to_regclass('tminus.schema_version') is not null as found",
  );
  if (rows[0]?.found !== true) return false;
  const applied = await appliedVersions(client);
  return files().every((file) => applied.has(file));
}

async function lock(client: Client, clock: Clock, waits: TableWaits): Promise<void> {
  const patienceMs = 2 * longestMs(waits);
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += LOCK_LOOK_MS) {
    const { rows } = await client.query<{ got: boolean }>("select pg_try_advisory_lock($1) as got", [
      LOCK_KEY,
    ]);
    if (rows[0]?.got === true) return;
    await clock.sleep(LOCK_LOOK_MS);
  }
  throw new TminusError(
    "STATE_UNAVAILABLE",
    `another process has been changing the state database's schema for ${formatDuration(patienceMs)}`,
  );
}

/** How long a change can wait for tables before it is made or gives up, where each file waits once in a try. */
function longestMs({ tableMs, tries }: TableWaits): number {
  return tries * (tableMs + tableMs / 2);
}

async function applyPending(client: Client, clock: Clock, { tableMs, tries }: TableWaits): Promise<void> {
  await client.query("create schema if not exists tminus");
  await client.query(
    "create table if not exists tminus.schema_version (file text primary key, applied_at timestamptz not null default clock_timestamp())",
  );
  const applied = await appliedVersions(client);
  let failures = 0;
  for (const file of files()) {
    if (applied.has(file)) continue;
    while (!(await apply(client, file, tableMs))) {
      failures++;
      if (failures === tries)
        throw new TminusError("STATE_UNAVAILABLE", `the state's tables are in use: ${file} was not applied`, {
          hint: "Nothing is half changed. End what holds them (select * from pg_stat_activity), and try again.",
        });
      await clock.sleep(tableMs / 2);
    }
  }
}

/** Whole or not at all; false when a table that it changes was in use all the time. */
async function apply(client: Client, file: string, tableMs: number): Promise<boolean> {
  const sql = readFileSync(join(directory, file), "utf8");
  try {
    await client.query("begin");
    await client.query(`set local lock_timeout = ${tableMs}`);
    await client.query(sql);
    await client.query("insert into tminus.schema_version (file) values ($1)", [file]);
    await client.query("commit");
    return true;
  } catch (error) {
    await client.query("rollback");
    if (error instanceof Error && "code" in error && error.code === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

async function appliedVersions(client: Client): Promise<Set<string>> {
  const { rows } = await client.query<{ file: string }>("select file from tminus.schema_version");
  return new Set(rows.map((row) => row.file));
}

function files(): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}
