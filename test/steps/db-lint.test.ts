import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { dbLint } from "../../src/steps/db-lint.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep } from "../../src/testing/step-harness.ts";
import { freshDatabase } from "../support/database.ts";

interface Place extends AsyncDisposable {
  world: FakeStepWorld;
  write(files: Record<string, string>): Promise<void>;
  query(sql: string): Promise<void>;
}

const TABLE = { "1_users.sql": "-- tminus: up\ncreate table users (id bigint primary key, name text);\n" };
const INDEX = { "2_index.sql": "-- tminus: up\ncreate index on users (name);\n" };
const JSON_COLUMN = { "3_json.sql": "-- tminus: up\nalter table users add column meta json;\n" };

async function openPlace(files: Record<string, string>): Promise<Place> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-db-lint-"));
  await mkdir(join(directory, "migrations"));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const write = async (more: Record<string, string>): Promise<void> => {
    for (const [file, text] of Object.entries(more))
      await writeFile(join(directory, "migrations", file), text);
  };
  await write(files);
  return {
    write,
    world: createFakeStepWorld({
      projectDirectory: directory,
      clock: systemClock,
      environment: { database: "env:DATABASE_URL" },
      secrets: { "env:DATABASE_URL": database.url },
    }),
    query: async (text) => void (await client.query(text)),
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function life({ world }: Place, given: JsonObject = {}) {
  const settings = dbLint.schema.parse({ directory: "migrations", ...given }) as JsonObject;
  const facts = await dbLint.gather!(world.planContext(settings));
  return { forecast: dbLint.plan(world.planInput(settings, facts)), ...world.open(settings, facts) };
}

/** Runs what is there, as db.migrate does. */
async function migrate({ world }: Place): Promise<void> {
  const settings = dbMigrate.schema.parse({ directory: "migrations" }) as JsonObject;
  const { context } = world.open(settings, await dbMigrate.gather!(world.planContext(settings)));
  expect(await dbMigrate.act(context)).toMatchObject({ outcome: "done" });
}

const stepCase = {
  kind: dbLint,
  with: { directory: "migrations" },
  async open() {
    const place = await openPlace({ ...TABLE, ...INDEX });
    return {
      world: place.world,
      effects: () => (place.world.state() === undefined ? 0 : 1),
      close: () => place[Symbol.asyncDispose](),
    };
  },
};

describe("db.lint", () => {
  it("keeps the contract of a step", () => driveStep(stepCase));

  it("is done again when it was interrupted", async () => {
    expect(await driveInterrupted(stepCase)).toMatchObject({ parked: 0, undo: 0 });
  });

  it("blocks the plan for an index on a large table, and not when the table is made by the same deploy or small", async () => {
    await using place = await openPlace({ ...TABLE, ...INDEX });
    expect((await life(place)).forecast).toMatchObject({
      blocked: [],
      undo: { how: "none-needed" },
      summary: ["2 migrations checked: nothing found in 2 statements of 2 files"],
    });
    await rm(join(place.world.planContext({}).projectDirectory, "migrations", "2_index.sql"));
    await migrate(place);
    await place.write(INDEX);
    await place.query("insert into users values (1, 'a'); analyze users");
    expect((await life(place)).forecast.blocked).toEqual([]);
    await place.query("insert into users select n, n from generate_series(2, 20000) n; analyze users");
    expect((await life(place)).forecast).toMatchObject({
      blocked: [
        {
          reason: expect.stringMatching(/^2_index\.sql:2:1: .* \(index-without-concurrently\)$/) as string,
          fix: expect.stringContaining("CONCURRENTLY") as string,
        },
      ],
    });
  });

  it("looks again by the sizes of the moment when it runs, and keeps its report", async () => {
    await using place = await openPlace(TABLE);
    await migrate(place);
    await place.query("insert into users values (1, 'a'); analyze users");
    await place.write(INDEX);
    const { context, forecast } = await life(place);
    expect(forecast.blocked).toEqual([]);
    await place.query("insert into users select n, n from generate_series(2, 20000) n; analyze users");
    expect(await dbLint.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("index-without-concurrently") as string,
      result: { counts: { block: 1 } },
    });
    expect(place.world.evidence.at(-1)).toMatchObject({
      name: "lint.txt",
      content: expect.stringContaining("1 to block in 1 statement of 1 file") as string,
    });
    expect(await dbLint.observe(context)).toMatchObject({ state: "absent" });
  });

  it("names what needs a yes in the plan, and blocks for it only when it is strict; an allowance is told", async () => {
    await using place = await openPlace(TABLE);
    await migrate(place);
    await place.write(JSON_COLUMN);
    const relaxed = await life(place);
    expect(relaxed.forecast).toMatchObject({
      blocked: [],
      summary: [
        "1 migration checked: 1 to ask about in 1 statement of 1 file",
        expect.stringMatching(/^ask: 3_json\.sql:2:30: .* \(json-column\)$/),
      ],
    });
    expect((await life(place, { strict: true })).forecast.blocked).toMatchObject([{ fix: "Use jsonb." }]);
    await place.write({
      "3_json.sql": `-- tminus: allow json-column an old client reads it\n${JSON_COLUMN["3_json.sql"]}`,
    });
    const allowed = await life(place, { strict: true });
    expect(allowed.forecast).toMatchObject({
      blocked: [],
      summary: [
        "1 migration checked: nothing found in 1 statement of 1 file",
        expect.stringContaining("json-column is allowed: an old client reads it"),
      ],
    });
    expect(await dbLint.act(allowed.context)).toMatchObject({ outcome: "done" });
    // The files of the first plan are other ones by now.
    expect(await dbLint.act(relaxed.context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("changed after the plan") as string,
    });
  });
});
