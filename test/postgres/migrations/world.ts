import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { systemClock } from "../../../src/lib/clock.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import { discoverMigrations } from "../../../src/postgres/migrations/discover.ts";
import type { LedgerRow } from "../../../src/postgres/migrations/ledger.ts";
import type { MigrateOptions } from "../../../src/postgres/migrations/migrate-options.ts";
import { freshDatabase } from "../../support/database.ts";

/** A database, a folder of migrations, and ways to look at both. */
export interface MigrationWorld extends AsyncDisposable {
  url: string;
  directory: string;
  said: string[];
  write(file: string, content: string): Promise<void>;
  options(changes?: Partial<MigrateOptions>): MigrateOptions;
  apply(changes?: Partial<MigrateOptions>): Promise<LedgerRow[]>;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A session of somebody else. */
  other(): Promise<pg.Client>;
  /** Whether a relation exists. */
  has(name: string): Promise<boolean>;
}

export async function openMigrationWorld(): Promise<MigrationWorld> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-migrations-"));
  const clients: pg.Client[] = [];
  const said: string[] = [];
  const other = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: database.url, application_name: "shop" });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const own = await other();
  const options = (changes: Partial<MigrateOptions> = {}): MigrateOptions => ({
    connectionString: database.url,
    fence: { environment: "production", token: 1 },
    runKey: "run-1/migrate",
    appliedBy: "ann",
    lockTimeoutMs: 100,
    lockRetries: 4,
    lockWaitMs: 300,
    statementTimeoutMs: 20_000,
    clock: systemClock,
    signal: new AbortController().signal,
    progress: (text) => void said.push(text),
    ...changes,
  });
  const world: MigrationWorld = {
    url: database.url,
    directory,
    said,
    write: (file, content) => writeFile(join(directory, file), content),
    options,
    apply: async (changes) => applyMigrations(await discoverMigrations(directory), options(changes)),
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await own.query<Row>(text, values)).rows,
    other,
    has: async (name) =>
      (await own.query<{ found: boolean }>("select to_regclass($1) is not null as found", [name])).rows[0]!
        .found,
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

/** Waits, up to ten seconds, until `condition` holds. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await condition()) return;
    await systemClock.sleep(20);
  }
  throw new Error("the condition did not come true");
}

/** Whether a tminus session that migrates waits for a lock. */
export async function isMigrationWaiting(world: MigrationWorld): Promise<boolean> {
  const rows = await world.query(
    `select 1 from pg_stat_activity where datname = current_database()
     and application_name like 'tminus migrate%' and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

export function up(sql: string, down?: string): string {
  return `-- tminus: up\n${sql}\n${down === undefined ? "" : `-- tminus: down\n${down}\n`}`;
}
