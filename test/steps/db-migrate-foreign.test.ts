import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { driveKilled } from "../../src/testing/kill-harness.ts";
import { driveStep } from "../../src/testing/step-harness.ts";
import { freshDatabase } from "../support/database.ts";

interface Place extends AsyncDisposable {
  directory: string;
  world(options?: FakeStepWorldOptions): ReturnType<typeof createFakeStepWorld>;
  write(path: string, text: string): Promise<void>;
  count(sql: string): Promise<number>;
}

async function openPlace(): Promise<Place> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-db-migrate-foreign-"));
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  await writeFile(join(directory, "database.url"), database.url);
  return {
    directory,
    world: (options = {}) =>
      createFakeStepWorld({
        projectDirectory: directory,
        clock: systemClock,
        rollbackDatabase: "down",
        environment: { database: "env:DATABASE_URL" },
        secrets: { "env:DATABASE_URL": database.url },
        ...options,
      }),
    async write(path, text) {
      await mkdir(join(directory, path, ".."), { recursive: true });
      await writeFile(join(directory, path), text);
    },
    count: async (sql) => (await client.query(sql)).rows.length,
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function writeSupabase(place: Place): Promise<void> {
  await place.write("supabase/config.toml", 'project_id = "shop"\n');
  await place.write("supabase/migrations/1_a.sql", "begin;\ncreate table a (n int);\ncommit;\n");
  await place.write("supabase/migrations/2_i.sql", "create index concurrently a_n on a (n);\n");
  await place.write("supabase/down/1_a.sql", "drop table a;\n");
  await place.write("supabase/down/2_i.sql", "drop index concurrently a_n;\n");
}

async function planOf(place: Place, directory: string) {
  const settings = dbMigrate.schema.parse({ directory }) as JsonObject;
  const world = place.world();
  return dbMigrate.plan(world.planInput(settings, await dbMigrate.gather!(world.planContext(settings))));
}

describe("db.migrate with another tool's files", () => {
  it("keeps the contract of a step with Supabase's: act, undo, act again, its table always in step", async () => {
    await driveStep({
      kind: dbMigrate,
      with: { directory: "supabase/migrations" },
      async open() {
        const place = await openPlace();
        await writeSupabase(place);
        return {
          world: place.world(),
          async effects() {
            const exists = await place.count(
              "select 1 where to_regclass('supabase_migrations.schema_migrations') is not null",
            );
            const rows =
              exists === 0
                ? 0
                : await place.count(
                    "select 1 from supabase_migrations.schema_migrations where version = '2'",
                  );
            expect(await place.count("select 1 where to_regclass('a_n') is not null")).toBe(rows);
            return rows;
          },
          close: async () => place[Symbol.asyncDispose](),
        };
      },
    });
  });

  it("has every change, its ledger row and its row of Prisma's once, whichever crash point kills it", async () => {
    await using place = await openPlace();
    await place.write("prisma/migrations/1_a/migration.sql", 'CREATE TABLE "A" ("n" INTEGER);\n');
    await place.write(
      "prisma/migrations/2_i/migration.sql",
      'INSERT INTO "A" VALUES (1);\nCREATE INDEX CONCURRENTLY "A_n_idx" ON "A"("n");\n',
    );
    await place.write(
      "prisma/migrations/3 b/migration.sql",
      'BEGIN;\nALTER TABLE "A" ADD COLUMN "b" TEXT;\nCOMMIT;\n',
    );
    const module = fileURLToPath(new URL("./db-migrate-foreign-case.ts", import.meta.url));
    const points = ["migrate.before-transaction", "migrate.before-commit", "migrate.after-commit"] as const;
    const report = await driveKilled({ module, directory: place.directory, points });
    expect(report).toMatchObject({ outcome: "done" });
    expect(report.kills.length).toBeGreaterThan(9);
    expect(await place.count('select 1 from "A"')).toBe(1);
    expect(
      await place.count("select 1 from pg_index where indexrelid = '\"A_n_idx\"'::regclass and indisvalid"),
    ).toBe(1);
    expect(
      await place.count(
        "select 1 from tminus.migration m join _prisma_migrations p on p.migration_name = m.version and p.finished_at is not null",
      ),
    ).toBe(3);
    expect(await place.count("select 1 from _prisma_migrations")).toBe(3);
  });

  it("shows in the plan whose files they are, what is adopted, and that nothing undoes a file without its undo", async () => {
    await using place = await openPlace();
    await place.count(
      `create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null,
         finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
         started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
    );
    await place.write("prisma/migrations/1_a/migration.sql", "select 1;");
    await place.count(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at)
       values ('x', encode(sha256('select 1;'), 'hex'), '1_a', now())`,
    );
    await place.write("prisma/migrations/2_b/migration.sql", "create table b (id int);");
    const forecast = await planOf(place, "prisma/migrations");
    expect(forecast.summary).toEqual([
      "prisma files: _prisma_migrations is written in the same transactions, so that Prisma Migrate can go on",
      "adopt 1 that have run already, without running them again",
      "apply 2_b/migration.sql",
      "  create table b (id int)",
    ]);
    expect(forecast.undo).toEqual({
      how: "irreversible",
      text: "2_b/migration.sql has no down.sql beside it",
    });
    expect(forecast.blocked).toEqual([]);
  });

  it("blocks a plan with a file that cannot be run, and says what to write instead", async () => {
    await using place = await openPlace();
    await place.write("supabase/migrations/1_a.sql", "create table a (n int);\n\\gexec\n");
    const { blocked } = await planOf(place, "supabase/migrations");
    expect(blocked).toMatchObject([
      { reason: expect.stringContaining("1_a.sql:2:1: a backslash command belongs to psql") },
    ]);
  });
});
