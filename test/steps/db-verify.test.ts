import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { StepResult } from "../../src/model/step-kind.ts";
import { dbDrift } from "../../src/gates/db-drift.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import { dbVerify } from "../../src/steps/db-verify.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep } from "../../src/testing/step-harness.ts";
import { freshDatabase } from "../support/database.ts";
import { testScratch } from "../support/scratch.ts";

const SETTINGS = { directory: "migrations" };

interface Place extends AsyncDisposable {
  directory: string;
  client: pg.Client;
  write(file: string, text: string): Promise<void>;
  world(options?: FakeStepWorldOptions): ReturnType<typeof createFakeStepWorld>;
  /** Runs the whole of db.migrate. */
  migrate(): Promise<void>;
  verify(settings?: JsonObject, options?: FakeStepWorldOptions): Promise<StepResult>;
  recorded(): Promise<number>;
}

async function openPlace(): Promise<Place> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-db-verify-"));
  await mkdir(join(directory, "migrations"));
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  const world: Place["world"] = (options = {}) =>
    createFakeStepWorld({
      projectDirectory: directory,
      clock: systemClock,
      scratch: testScratch,
      rollbackDatabase: "down",
      environment: { database: "env:DATABASE_URL" },
      secrets: { "env:DATABASE_URL": database.url },
      ...options,
    });
  const act = async (kind: typeof dbVerify, given: JsonObject, options?: FakeStepWorldOptions) => {
    const settings = kind.schema.parse(given) as JsonObject;
    const opened = world(options);
    const facts = await kind.gather!(opened.planContext(settings));
    return kind.act(opened.open(settings, facts).context);
  };
  const place: Place = {
    directory,
    client,
    world,
    write: (file, text) => writeFile(join(directory, "migrations", file), text),
    migrate: async () => {
      expect(await act(dbMigrate, SETTINGS)).toMatchObject({ outcome: "done" });
    },
    verify: (settings = {}, options) => act(dbVerify, { ...SETTINGS, ...settings }, options),
    recorded: async () => {
      const { rows } = await client.query<{ found: boolean }>(
        "select to_regclass('tminus.schema_fingerprint') is not null as found",
      );
      if (!rows[0]!.found) return 0;
      return (await client.query("select 1 from tminus.schema_fingerprint")).rows.length;
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await place.write(
    "1_users.sql",
    "-- tminus: up\ncreate table users (id int primary key, email text not null);\n-- tminus: down\ndrop table users;\n",
  );
  await place.migrate();
  return place;
}

const stepCase = {
  kind: dbVerify,
  with: SETTINGS,
  async open() {
    const place = await openPlace();
    return {
      world: place.world(),
      effects: () => place.recorded(),
      close: async () => place[Symbol.asyncDispose](),
    };
  },
};

describe("db.verify", () => {
  it("fails behind a transaction pooler, where nothing can be recorded, and gives the direct connection", async () => {
    await using place = await openPlace();
    const pooled = "postgresql://postgres.abcd:secret-word@aws-0-eu.pooler.supabase.com:6543/postgres";
    const outcome = await place.verify(
      { ...SETTINGS, expected: "recorded" },
      { secrets: { "env:DATABASE_URL": pooled } },
    );
    expect(outcome).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("@db.abcd.supabase.co:5432/postgres") as string,
      result: { code: "DATABASE_POOLED" },
    });
    expect(JSON.stringify(outcome)).not.toContain("secret-word");
  });

  it("keeps the contract of a step: act, undo, act again", async () => {
    await driveStep(stepCase);
  });

  it("records once and forgets wholly wherever it is interrupted", async () => {
    const { act, parked } = await driveInterrupted(stepCase);
    expect(act).toBeGreaterThan(0);
    expect(parked).toBe(0);
  });

  it("names each object that was changed outside tminus, and by whom it was not", async () => {
    await using place = await openPlace();
    expect(await place.verify()).toMatchObject({ outcome: "done" });
    await place.client.query(
      "alter table users alter email drop not null; create table stray (a int, b int)",
    );
    const result = await place.verify({}, { key: "run-2/verify" });
    expect(result.outcome).toBe("failed");
    expect(result.reason).toMatch(
      /column public\.users\.email: changed outside tminus after 20\S+Z \(recorded ≠ live, files = recorded\); notNull: true → false/,
    );
    expect(result.reason).toMatch(/table public\.stray: created outside tminus/);
    expect(result.reason).toMatch(/^2 objects drifted/);
    expect(await place.recorded()).toBe(1);
  });

  it("takes what a migration has made since it was recorded for no change from outside, and nothing beside it", async () => {
    await using place = await openPlace();
    expect(await place.verify()).toMatchObject({ outcome: "done" });
    await place.write(
      "2_more.sql",
      "-- tminus: up\nalter table users add nick text; create table carts (id int);\n",
    );
    await place.migrate();
    expect(await place.verify({}, { key: "run-2/verify" })).toMatchObject({ outcome: "done" });

    await place.write("3_index.sql", "-- tminus: up\ncreate index on carts (id);\n");
    await place.migrate();
    await place.client.query("alter table users drop nick; create table stray (a int)");
    const result = await place.verify({}, { key: "run-3/verify" });
    expect(result.reason).toMatch(/^2 objects drifted/);
    expect(result.reason).toMatch(/column public\.users\.nick: dropped outside tminus/);
    expect(result.reason).toMatch(/table public\.stray: created outside tminus/);
    const alone = await place.verify({ expected: "recorded" }, { key: "run-3/verify" });
    expect(alone.reason).toMatch(
      /carts\S*: created after \S+, by a file that has run since or outside tminus/,
    );
  });

  it("compares with what was recorded alone when told to", async () => {
    await using place = await openPlace();
    expect((await place.verify({ expected: "recorded" })).reason).toMatch(/not verified and recorded/);
    await place.verify();
    await place.client.query("alter table users alter id type bigint");
    expect((await place.verify({ expected: "recorded" }, { key: "run-2/verify" })).reason).toMatch(
      /users\.id: changed outside tminus after \S+ \(recorded ≠ live\)/,
    );
  });

  it("lets through what the settings say may differ", async () => {
    await using place = await openPlace();
    await place.client.query("create table tmp_1 (n int)");
    expect(await place.verify({ ignore: ["* public.tmp_*"] })).toMatchObject({ outcome: "done" });
  });

  it("says that it could not find out when the files do not run in the scratch database", async () => {
    await using place = await openPlace();
    await place.client.query("create table by_hand (n int)");
    await place.write("2_hand.sql", "-- tminus: up\nalter table by_hand add m int;\n");
    await place.migrate();
    const result = await place.verify({ expected: "files" });
    expect(result).toMatchObject({ outcome: "failed", result: { state: "unknown" } });
    expect(result.reason).toMatch(/could not be found out: 2_hand\.sql does not run in the scratch database/);
    await place.write("base.txt", "create table by_hand (n int)");
    expect(await place.verify({ expected: "files", baseline: "migrations/base.txt" })).toMatchObject({
      outcome: "done",
    });
  });

  it("records nothing for a run that was overtaken", async () => {
    await using place = await openPlace();
    await place.client.query("update tminus.fence set token = 9");
    await expect(place.verify()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await place.recorded()).toBe(0);
  });
});

describe("db.drift", () => {
  const check = async (place: Place, settings: JsonObject = {}, options: FakeStepWorldOptions = {}) => {
    const parsed = dbDrift.schema.parse({ ...SETTINGS, ...settings });
    return dbDrift.check({
      ...place.world(options).planContext(parsed),
      redact: (text) => text,
      processEnvironment: {},
      stateDirectory: place.directory,
      progress: () => undefined,
      scm: () => undefined,
      runs: () => Promise.resolve([]),
      attempts: () => Promise.resolve([]),
      inputs: [],
    });
  };

  it("passes without drift, fails with it, and decides nothing about a database that does not answer", async () => {
    await using place = await openPlace();
    expect(await check(place)).toMatchObject({ verdict: "pass" });
    await place.client.query("create index stray on users (email)");
    expect(await check(place)).toMatchObject({
      verdict: "fail",
      evidence: { sql: expect.arrayContaining(["drop index concurrently public.stray;"]) as unknown },
    });
    const gone = { secrets: { "env:DATABASE_URL": "postgres://nobody@127.0.0.1:1/none" } };
    expect(await check(place, {}, gone)).toMatchObject({ verdict: "unknown" });
    expect(await check(place, { expected: "recorded" })).toMatchObject({ verdict: "unknown" });
  });

  it("does not take pending files for drift", async () => {
    await using place = await openPlace();
    await place.write("2_age.sql", "-- tminus: up\nalter table users add age int;\n");
    expect(await check(place)).toMatchObject({ verdict: "pass" });
  });
});
