import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { openScratch } from "../../src/compose/scratch.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { rehearsalSchema } from "../../src/postgres/rehearse/rehearsal.ts";
import { dbBackup } from "../../src/steps/db-backup.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import { dbRehearse } from "../../src/steps/db-rehearse.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep } from "../../src/testing/step-harness.ts";
import { freshDatabase } from "../support/database.ts";

interface Place extends AsyncDisposable {
  world: FakeStepWorld;
  write(files: Record<string, string>): Promise<void>;
  query(sql: string): Promise<unknown[]>;
  /** Runs what is there, as db.migrate does. */
  migrate(): Promise<void>;
  /** As db.backup does. */
  backUp(): Promise<void>;
}

const GOOD = {
  "1_a.sql": "-- tminus: up\ncreate table a (n int);\n-- tminus: down\ndrop table a;\n",
  "2_b.sql": "-- tminus: up\nalter table a add b text;\n-- tminus: down\nalter table a drop b;\n",
};

async function openPlace(files: Record<string, string>): Promise<Place> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-db-rehearse-"));
  await mkdir(join(directory, "migrations"));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const write = async (more: Record<string, string>): Promise<void> => {
    for (const [file, text] of Object.entries(more))
      await writeFile(join(directory, "migrations", file), text);
  };
  await write(files);
  const world = createFakeStepWorld({
    projectDirectory: directory,
    clock: systemClock,
    scratch: openScratch({ TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES }),
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": database.url },
  });
  return {
    write,
    world,
    query: async (text) => (await client.query<pg.QueryResultRow>(text)).rows,
    async migrate() {
      const settings = dbMigrate.schema.parse({ directory: "migrations" }) as JsonObject;
      const { context } = world.open(settings, await dbMigrate.gather!(world.planContext(settings)));
      expect(await dbMigrate.act(context)).toMatchObject({ outcome: "done" });
    },
    async backUp() {
      const settings = dbBackup.schema.parse({}) as JsonObject;
      const { context } = world.open(settings, await dbBackup.gather!(world.planContext(settings)));
      expect(await dbBackup.act(context)).toMatchObject({ outcome: "done" });
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const settingsOf = (given: JsonObject = {}): JsonObject =>
  dbRehearse.schema.parse({ directory: "migrations", ...given }) as JsonObject;

async function life({ world }: Place, given: JsonObject = {}) {
  const settings = settingsOf(given);
  const facts = await dbRehearse.gather!(world.planContext(settings));
  return { forecast: dbRehearse.plan(world.planInput(settings, facts)), ...world.open(settings, facts) };
}

const stepCase = {
  kind: dbRehearse,
  with: { directory: "migrations" },
  async open() {
    const place = await openPlace(GOOD);
    return {
      world: place.world,
      effects: () => (place.world.state() === undefined ? 0 : 1),
      close: () => place[Symbol.asyncDispose](),
    };
  },
};

describe("db.rehearse", { timeout: 120_000 }, () => {
  it("keeps the contract of a step", () => driveStep(stepCase));

  it("is rehearsed again when it was interrupted", async () => {
    expect(await driveInterrupted(stepCase)).toMatchObject({ parked: 0, undo: 0 });
  });

  it("keeps the rehearsal as evidence, with one sentence a file, and touches nothing", async () => {
    await using place = await openPlace(GOOD);
    const { context, forecast } = await life(place);
    expect(forecast).toMatchObject({
      blocked: [],
      undo: { how: "none-needed" },
      summary: [
        "rehearse 2 migrations on a scratch server with made-up rows: up, down, up again",
        "fail when a lock is likely held for more than 5s, or all take more than 5m",
      ],
    });
    const sentence = expect.stringMatching(
      /^brief lock on a, (about \d+ ms|under 1 ms), reversible: yes, rows lost: 0$/,
    ) as string;
    const result = await dbRehearse.act(context);
    expect(result).toMatchObject({
      outcome: "done",
      result: { files: [{ file: "1_a.sql" }, { file: "2_b.sql", sentence }] },
    });
    const [json, text] = place.world.evidence;
    expect(rehearsalSchema.parse(JSON.parse(json!.content)).files[1]).toMatchObject({
      sentence,
      outcome: "passed",
    });
    expect(text!.content).toMatch(/^2_b\.sql: brief lock on a, .*, reversible: yes, rows lost: 0$/m);
    expect(await place.query("select 1 from pg_class where relname in ('a', 'migration')")).toEqual([]);
  });

  it("says of the linter's findings which of them it saw happen", async () => {
    await using place = await openPlace(GOOD);
    await place.migrate();
    await place.query("insert into a (n) select generate_series(1, 200000)");
    await place.query("analyze a");
    await place.write({
      "3_c.sql": "-- tminus: up\n\ncreate index a_n on a (n);\n-- tminus: down\ndrop index a_n;\n",
    });
    expect(await dbRehearse.act((await life(place)).context)).toMatchObject({ outcome: "done" });
    const text = place.world.evidence.find(({ name }) => name === "rehearsal.txt")!.content;
    expect(text).toContain("confirmed by what it did: 3_c.sql:3 index-without-concurrently: share lock on a");
  });

  it("rehearses with the real rows in a restore of the newest proven backup", async () => {
    await using place = await openPlace(GOOD);
    await place.migrate();
    await place.query("insert into a (n) values (1), (1)");
    await place.write({ "3_u.sql": "-- tminus: up\nalter table a add unique (n);\n" });
    const { context, forecast } = await life(place, { tier: 2 });
    expect(forecast.summary[0]).toContain("in a restore of the newest proven backup");
    expect(await dbRehearse.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("there is no proven backup of this database") as string,
    });
    await place.backUp();
    const result = await dbRehearse.act((await life(place, { tier: 2 })).context);
    // Made-up rows would be as unique as those of production were counted to be.
    expect(result).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/3_u\.sql:2: could not create unique index .* \(23505\)/) as string,
    });
    expect(await place.query("select count(*)::int as rows from a")).toEqual([{ rows: 2 }]);

    await place.write({ "3_u.sql": "-- tminus: up\nalter table a add c int;\n" });
    expect(await dbRehearse.act((await life(place, { tier: 2 })).context)).toMatchObject({ outcome: "done" });
    await place.migrate();
    await place.write({ "4_d.sql": "-- tminus: up\nalter table a add d int;\n" });
    expect(await dbRehearse.act((await life(place, { tier: 2 })).context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/since the backup of .* other files have run: 3_u\.sql/) as string,
    });
  });

  it("fails when a pending file fails", async () => {
    await using place = await openPlace({ ...GOOD, "3_c.sql": "-- tminus: up\nselect wrong;\n" });
    const { context } = await life(place);
    expect(await dbRehearse.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining('3_c.sql:2: column "wrong" does not exist (42703)') as string,
    });
    expect(await dbRehearse.observe(context)).toMatchObject({ state: "absent" });
  });

  it("fails for what undoing would not give back only when the runbook asks for it", async () => {
    await using place = await openPlace({
      "1_a.sql": "-- tminus: up\ncreate table a ();\n-- tminus: down\nselect 1;\n",
    });
    expect(await dbRehearse.act((await life(place)).context)).toMatchObject({ outcome: "done" });
    const strict = await life(place, { requireReversible: true });
    expect(await dbRehearse.act(strict.context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("1_a.sql: up again fails") as string,
    });
  });

  it("fails when a lock would be held for too long in production", async () => {
    await using place = await openPlace({ "1_a.sql": GOOD["1_a.sql"] });
    await place.migrate();
    await place.query("insert into a select generate_series(1, 50000); analyze a");
    await place.write({ "2_b.sql": "-- tminus: up\nalter table a alter n type text;\n" });
    const patient = await life(place);
    expect(patient.forecast.blocked).toEqual([]);
    expect(await dbRehearse.act(patient.context)).toMatchObject({ outcome: "done" });
    expect(rehearsalSchema.parse(JSON.parse(place.world.evidence[0]!.content)).filled).toEqual([
      { relation: "a", rows: 20_000, production: 50_000 },
    ]);
    const { context } = await life(place, { maxLock: "1ms" });
    expect(await dbRehearse.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(
        /2_b\.sql keeps reads and writes from a for .*, likely more than 1 ms/,
      ) as string,
    });
  });

  it("is blocked by files that do not fit what has run, and rehearses only the files that were planned", async () => {
    await using place = await openPlace(GOOD);
    const { context } = await life(place);
    const edited = { "1_a.sql": "-- tminus: up\ncreate table other ();\n" };
    await place.write(edited);
    expect(await dbRehearse.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("changed") as string,
    });
    await place.write(GOOD);
    await place.migrate();
    await place.write(edited);
    expect((await life(place)).forecast.blocked).toMatchObject([
      { reason: expect.stringContaining("1_a.sql was edited") as string },
    ]);
  });
});
