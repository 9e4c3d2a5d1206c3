import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock, type Clock } from "../../src/lib/clock.ts";
import { isMigrated, migrateStore } from "../../src/store/migrate.ts";
import { openClient, openPool } from "../../src/store/pool.ts";
import { listRunPage } from "../../src/store/run-list.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import { samplePlan } from "../support/state.ts";
import { eventually } from "../support/processes.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";

const ROOM = { timeout: 120_000 };

let database: FreshDatabase;
afterEach(() => database.drop());

async function isReady(): Promise<boolean> {
  const client = await openClient(database.url);
  try {
    return await isMigrated(client);
  } finally {
    await client.end();
  }
}

describe("migrateStore", () => {
  it("is not done before the engine's own migrations are, so that a crash between them leaves nothing out", async () => {
    database = await freshDatabase();
    const dying = migrateStore(database.url, systemClock, async () => {
      expect(await isReady()).toBe(false);
      throw new Error("killed");
    });
    await expect(dying).rejects.toThrow("killed");
    expect(await isReady()).toBe(false);
    let engine = 0;
    await migrateStore(database.url, systemClock, async () => void engine++);
    expect([await isReady(), engine]).toEqual([true, 1]);
  });

  it("is done by one process at a time when several start on an empty database", async () => {
    database = await freshDatabase();
    let inside = 0;
    let most = 0;
    const migrate = (): Promise<void> =>
      migrateStore(database.url, systemClock, async () => {
        most = Math.max(most, ++inside);
        await systemClock.sleep(20);
        inside--;
      });
    await Promise.all([migrate(), migrate(), migrate()]);
    expect(most).toBe(1);
    expect(await isReady()).toBe(true);
  });

  it("makes runs of before searchable, and takes from their plans what lists show", async () => {
    database = await freshDatabase();
    await withRunOfBefore();
    await migrateStore(database.url, systemClock, async () => undefined);
    const pool = openPool(database.url, 1, () => undefined);
    const { runs } = await listRunPage(pool, { project: "sample", search: "v7 mia" }, 10);
    await pool.end();
    expect(runs).toMatchObject([{ id: "r1", release: "v7", previousRelease: "v1", purpose: "rollback" }]);
  });

  it("lets workers go on while it waits for a table that somebody holds", async () => {
    database = await freshDatabase();
    await withRunOfBefore();
    const [holder, worker] = [await openClient(database.url), await openClient(database.url)];
    try {
      await holder.query("begin; lock table tminus.run in access share mode");
      const migrated = migrateStore(database.url, systemClock, async () => undefined);
      const waiting = "select 1 from pg_locks where relation = 'tminus.run'::regclass and not granted";
      await eventually("it waits", async () => (await holder.query(waiting)).rowCount === 1, 10_000);
      await worker.query("update tminus.run set started_at = clock_timestamp() where id = 'r1'");
      expect(await isReady()).toBe(false);
      await holder.query("commit");
      await migrated;
      expect(await isReady()).toBe(true);
    } finally {
      await holder.end();
      await worker.end();
    }
  });

  it("gives up after as many tries in all, however many files wait for a table", ROOM, async () => {
    database = await freshDatabase();
    await withRunOfBefore();
    const [first, second] = [await openClient(database.url), await openClient(database.url)];
    try {
      await first.query("begin; lock table tminus.run in row exclusive mode");
      await second.query("begin");
      const { clock, slept } = countingClock();
      const waits = { tableMs: 5_000, tries: 2 };
      const migrated = migrateStore(database.url, clock, async () => undefined, waits);
      const ended = expect(migrated).rejects.toThrow("the state's tables are in use: 0017");
      const waiting = async (): Promise<number | null> =>
        (await first.query("select 1 from pg_locks where relation = 'tminus.run'::regclass and not granted"))
          .rowCount;
      await eventually("it tries again", async () => slept.length === 1 && (await waiting()) === 1, 30_000);
      // Behind the first file, and before the next.
      const locked = second.query("lock table tminus.run in row exclusive mode");
      await eventually("both wait", async () => (await waiting()) === 2, 30_000);
      await first.query("commit");
      await locked;
      await ended;
      expect(slept).toHaveLength(1);
    } finally {
      await first.end();
      await second.end();
    }
  });

  it("waits for another process for longer than that one waits for tables", ROOM, async () => {
    database = await freshDatabase();
    const other = await openClient(database.url);
    try {
      await other.query("select pg_advisory_lock(7461646975)");
      for (const waits of [
        { tableMs: 1_000, tries: 2 },
        { tableMs: 4_000, tries: 40 },
      ]) {
        const { clock, slept } = countingClock();
        const migrated = migrateStore(database.url, clock, async () => undefined, waits);
        await expect(migrated).rejects.toThrow(
          "another process has been changing the state database's schema",
        );
        const total = slept.reduce((sum, ms) => sum + ms, 0);
        // Of the other: each try, and the pause after it.
        expect(total).toBeGreaterThan(waits.tries * waits.tableMs * 1.5);
      }
    } finally {
      await other.end();
    }
  });
});

/** Does not wait, and says for how long it was to. */
function countingClock(): { clock: Clock; slept: number[] } {
  const slept: number[] = [];
  const sleep = async (ms: number): Promise<void> => void slept.push(ms);
  return { clock: { ...systemClock, sleep }, slept };
}

const migrations = join(import.meta.dirname, "../../src/store/migrations");

/** A state as it was before runs could be searched. */
async function withRunOfBefore(): Promise<void> {
  const client = await openClient(database.url);
  try {
    await client.query(
      "create schema tminus; create table tminus.schema_version (file text primary key, applied_at timestamptz not null default clock_timestamp())",
    );
    for (const file of migrationFiles().filter((name) => name < "0016")) {
      await client.query(readFileSync(join(migrations, file), "utf8"));
      await client.query("insert into tminus.schema_version (file) values ($1)", [file]);
    }
    const plan = samplePlan({ release: "v7", purpose: "rollback" });
    await client.query(
      "select tminus.create_run_as('r1', 'production', 'sample', $1, 'h', '{}', 'mia', '{}', $2)",
      [JSON.stringify(plan), JSON.stringify(uncheckedActor("mia"))],
    );
  } finally {
    await client.end();
  }
}

function migrationFiles(): string[] {
  return readdirSync(migrations).sort();
}
