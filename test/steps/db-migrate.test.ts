import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { run } from "../../src/lib/process.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { StepForecast } from "../../src/model/step-kind.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { driveKilled } from "../../src/testing/kill-harness.ts";
import { driveStep } from "../../src/testing/step-harness.ts";
import { freshDatabase } from "../support/database.ts";

const MIGRATIONS = {
  "1_a.sql":
    "-- tminus: up\ncreate table a (n int);\ninsert into a values (1);\n-- tminus: down\ndrop table a;\n",
  "2_i.sql":
    "-- tminus: no-transaction\n-- tminus: up\ncreate index concurrently a_n on a (n);\n-- tminus: down\ndrop index concurrently a_n;\n",
  "3_b.sql":
    "-- tminus: up\nalter table a add column b text;\n-- tminus: down\nalter table a drop column b;\n",
};
const KILLS_OF = (version: string, ...suffix: string[]): string[] =>
  ["before-transaction", "before-commit", "after-commit"].map((point) =>
    [`migrate.${point}`, version, ...suffix].join(" "),
  );
const OUTSIDE_KILLS = ["migrate.before-commit 2 begin", "migrate.after-commit 2 begin"];
const POINTS = ["migrate.before-transaction", "migrate.before-commit", "migrate.after-commit"] as const;

interface Place extends AsyncDisposable {
  directory: string;
  url: string;
  query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]>;
  write(files: Record<string, string>): Promise<void>;
  world(options?: FakeStepWorldOptions): ReturnType<typeof createFakeStepWorld>;
}

async function openPlace(files: Record<string, string> = MIGRATIONS): Promise<Place> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "tminus-db-migrate-"));
  await mkdir(join(directory, "migrations"));
  await writeFile(join(directory, "database.url"), database.url);
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  const write = async (more: Record<string, string>): Promise<void> => {
    for (const [file, text] of Object.entries(more))
      await writeFile(join(directory, "migrations", file), text);
  };
  await write(files);
  return {
    directory,
    url: database.url,
    write,
    query: async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows,
    world: (options = {}) =>
      createFakeStepWorld({
        projectDirectory: directory,
        clock: systemClock,
        environment: { database: "env:DATABASE_URL" },
        secrets: { "env:DATABASE_URL": database.url },
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const settingsOf = (given: JsonObject = {}): JsonObject =>
  dbMigrate.schema.parse({ directory: "migrations", ...given }) as JsonObject;

async function plan(
  place: Place,
  options: FakeStepWorldOptions = {},
): Promise<StepForecast & { facts: Json }> {
  const world = place.world(options);
  const facts = await dbMigrate.gather!(world.planContext(settingsOf()));
  return { ...dbMigrate.plan(world.planInput(settingsOf(), facts)), facts };
}

async function life(place: Place, options: FakeStepWorldOptions = {}, given: JsonObject = {}) {
  const world = place.world(options);
  const settings = settingsOf(given);
  const facts = await dbMigrate.gather!(world.planContext(settings));
  return world.open(settings, facts);
}

/** Everything in the catalog and how much was ever written. */
async function snapshot(place: Place): Promise<unknown> {
  return place.query(
    `select (select json_agg(n order by n) from (select nspname::text || '.' || relname::text || ':' || pg_class.oid as n
         from pg_class join pg_namespace s on s.oid = relnamespace where nspname not like 'pg_temp%') x) as relations,
       (select json_agg(nspname order by nspname) from pg_namespace) as schemas,
       (select sum(n_tup_ins + n_tup_upd + n_tup_del)::text from pg_stat_user_tables) as written`,
  );
}

describe("db.migrate", () => {
  it("keeps the contract of a step: act, undo, act again", async () => {
    await driveStep({
      kind: dbMigrate,
      with: { directory: "migrations" },
      async open() {
        const place = await openPlace();
        return {
          world: place.world({ rollbackDatabase: "down" }),
          effects: async () =>
            (
              await place.query(
                "select 1 from information_schema.columns where table_name = 'a' and column_name = 'b'",
              )
            ).length,
          close: async () => place[Symbol.asyncDispose](),
        };
      },
    });
  });

  it("applies each file once, whichever crash point kills it", async () => {
    await using place = await openPlace();
    const module = fileURLToPath(new URL("./db-migrate-case.ts", import.meta.url));
    const report = await driveKilled({ module, directory: place.directory, points: POINTS });
    expect(report).toMatchObject({ outcome: "done" });
    expect(report.kills.toSorted()).toEqual(
      [...KILLS_OF("1"), ...KILLS_OF("2"), ...OUTSIDE_KILLS, ...KILLS_OF("3")].toSorted(),
    );
    expect(await place.query("select n, b from a")).toEqual([{ n: 1, b: null }]);
    expect(await place.query("select version, run_key from tminus.migration order by version")).toEqual(
      ["1", "2", "3"].map((version) => ({ version, run_key: "key-of-run-and-step" })),
    );
    expect(await place.query("select indisvalid from pg_index where indexrelid = 'a_n'::regclass")).toEqual([
      { indisvalid: true },
    ]);
    expect(await place.query("select 1 from tminus.migration_statement")).toEqual([]);
  });

  it("undoes everything, whichever crash point kills it", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    expect(await dbMigrate.act(context)).toMatchObject({ outcome: "done" });
    const log = join(place.directory, "crash.log");
    const child = fileURLToPath(new URL("./db-migrate-undo-child.ts", import.meta.url));
    const env = { TMINUS_CRASH_LOG: log, PATH: process.env.PATH ?? "" };
    let output: string | undefined;
    for (let lives = 0; lives < 20 && output === undefined; lives++) {
      const ended = await run([process.execPath, child, place.directory], { env, timeoutMs: 30_000 });
      if (ended.signalName === "SIGKILL") continue;
      expect(ended.exitCode, ended.output).toBe(0);
      output = ended.output;
    }
    expect(output).toContain('"outcome":"done"');
    expect(existsSync(log) && readFileSync(log, "utf8").trim().split("\n").toSorted()).toEqual(
      [
        ...KILLS_OF("1", "down"),
        ...KILLS_OF("2", "down"),
        ...OUTSIDE_KILLS.map((kill) => kill.replace("begin", "down begin")),
        ...KILLS_OF("3", "down"),
      ].toSorted(),
    );
    expect(await place.query("select 1 from tminus.migration")).toEqual([]);
    expect(await place.query("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  it("lists what this run applied", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    expect(await dbMigrate.observe(context)).toMatchObject({
      state: "absent",
      reason: "pending: 1_a.sql, 2_i.sql, 3_b.sql",
    });
    const result = await dbMigrate.act(context);
    expect(result).toMatchObject({
      outcome: "done",
      reason: "3 migrations applied",
      result: { applied: [{ version: "1", name: "a", durationMs: expect.any(Number) as number }, {}, {}] },
    });
    expect(await dbMigrate.observe(context)).toMatchObject({ state: "done", result: result.result });
    const another = await life(place, { key: "another" });
    expect(await dbMigrate.observe(another.context)).toMatchObject({
      state: "done",
      result: { applied: [] },
    });
  });

  it("plans without writing anything, with and without a ledger", async () => {
    await using place = await openPlace();
    const before = await snapshot(place);
    const first = await plan(place);
    expect(await snapshot(place)).toEqual(before);
    expect(first).toMatchObject({
      blocked: [],
      risk: "low",
      undo: { how: "none-needed", text: "the schema stays; it must work with the previous release" },
    });
    expect(first.summary).toEqual([
      "apply 1_a.sql",
      "  create table a (n int)",
      "  insert into a values (1)",
      "apply 2_i.sql (outside a transaction)",
      "  create index concurrently a_n on a (n)",
      "apply 3_b.sql",
      "  alter table a add column b text",
    ]);
    const { context } = await life(place);
    await dbMigrate.act(context);
    const applied = await snapshot(place);
    const second = await plan(place);
    expect(await snapshot(place)).toEqual(applied);
    expect(second.summary).toEqual(["no migration is pending (3 applied)"]);
    expect(second.inputs[0]).toEqual(first.inputs[0]);
    expect(second.inputs[1]!.digest).not.toBe(first.inputs[1]!.digest);
  });

  it("blocks the plan with a fix when the files do not fit the ledger", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    await dbMigrate.act(context);
    await place.write({ "1_a.sql": "-- tminus: up\ncreate table other ();\n" });
    const { blocked } = await plan(place);
    expect(blocked).toEqual([
      {
        reason: expect.stringContaining("1_a.sql was edited after it ran") as string,
        fix: "Restore 1_a.sql as it ran and put the change into a new migration.",
      },
    ]);
    const changed = await life(place);
    expect(await dbMigrate.act(changed.context)).toMatchObject({
      outcome: "failed",
      result: { code: "MIGRATION_REFUSED" },
    });
  });

  it("blocks the plan when a pending file would break the release that runs, unless the file allows itself to", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    await dbMigrate.act(context);
    const drop = "-- tminus: up\nselect 1;\nalter table a drop column n;\n";
    await place.write({ "4_drop.sql": drop });
    expect((await plan(place)).blocked).toEqual([
      {
        reason: "4_drop.sql:3: drops the column a.n, while the release before it may still run",
        fix: expect.stringContaining("-- tminus: phase contract") as string,
      },
    ]);
    await place.write({ "4_drop.sql": `-- tminus: allow breaks-running-release nobody reads it\n${drop}` });
    expect((await plan(place)).blocked).toEqual([]);
    await place.write({ "4_drop.sql": `-- tminus: phase contract\n${drop}` });
    expect(await plan(place)).toMatchObject({
      blocked: [],
      summary: ["no migration is pending (3 applied)"],
    });
  });

  it("promises to undo only what has down sections", async () => {
    await using place = await openPlace();
    expect((await plan(place, { rollbackDatabase: "down" })).undo).toMatchObject({
      how: "undo",
      loss: "what is written from then on into a, a.b",
    });
    await place.write({ "4_c.sql": "-- tminus: up\ncreate table c ();\n" });
    expect((await plan(place, { rollbackDatabase: "down" })).undo).toEqual({
      how: "irreversible",
      text: "4_c.sql has no down section",
    });
  });

  it("tells before a rollback what undoing would lose now, and when it would be refused", async () => {
    await using place = await openPlace();
    const { context } = await life(place, { rollbackDatabase: "down" });
    const preview = (given: JsonObject = {}, rollbackDatabase: "keep" | "down" = "down") =>
      dbMigrate.previewUndo!({ ...context, with: settingsOf(given), rollbackDatabase });
    expect(await dbMigrate.act(context)).toMatchObject({ outcome: "done" });
    expect(await preview()).toEqual({ text: "undoing loses no rows", rowsLost: 0, isRefused: false });
    await place.query("insert into a values (2, 'x'), (3, null)");
    const text = expect.stringMatching(
      /^undoing drops 1 b \(a\.b\) written since .*; drops 2 rows of a /,
    ) as string;
    expect(await preview({ loss: "allow" })).toEqual({ text, rowsLost: 3, isRefused: false });
    expect(await preview()).toEqual({ text, rowsLost: 0, isRefused: true });
    expect(await preview({}, "keep")).toEqual({ text: "the schema stays", rowsLost: 0, isRefused: false });
    await place.query("update tminus.migration set down_sql = null where version = '1'");
    expect(await preview()).toMatchObject({
      text: "1_a.sql has no down section; nothing was undone",
      isRefused: true,
    });
  });

  it("keeps the schema when the runbook says so, and says how much stays", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    const acted = await dbMigrate.act(context);
    expect(await dbMigrate.undo!(context, acted.result)).toEqual({
      outcome: "done",
      reason: "the schema stays: 3 migrations of this run remain applied",
      result: { reverted: [] },
    });
    expect(await dbMigrate.observe(context)).toMatchObject({ state: "done" });
  });

  it("takes back what was applied before a later file failed", async () => {
    await using place = await openPlace({
      ...MIGRATIONS,
      "4_d.sql": "-- tminus: up\nselect wrong;\n-- tminus: down\nselect 1;\n",
    });
    const { context } = await life(place, { rollbackDatabase: "down" });
    expect(await dbMigrate.act(context)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("4_d.sql:2: ") as string,
      result: { code: "MIGRATION_FAILED" },
    });
    expect(await dbMigrate.undo!(context, undefined)).toMatchObject({
      outcome: "done",
      reason: "3 migrations undone",
    });
    expect(await place.query("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  it("applies only the files that were planned", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    await place.write({ "4_c.sql": "-- tminus: up\ncreate table c ();\n" });
    expect(await dbMigrate.observe(context)).toMatchObject({ state: "unknown" });
    expect(await dbMigrate.act(context)).toMatchObject({
      outcome: "failed",
      reason: "the files in migrations changed after the plan was made",
    });
    expect(await place.query("select to_regclass('a') as a, to_regclass('c') as c")).toEqual([
      { a: null, c: null },
    ]);
  });

  it("fails verification when the ledger lost a row", async () => {
    await using place = await openPlace();
    const { context } = await life(place);
    const { result } = await dbMigrate.act(context);
    expect(await dbMigrate.verify!(context, result)).toMatchObject({ verdict: "pass" });
    await place.query("delete from tminus.migration where version = '3'");
    expect(await dbMigrate.verify!(context, result)).toEqual({
      verdict: "fail",
      reason: "3_b.sql has not run",
    });
  });

  it("never takes a database that does not answer for done, absent or failed", async () => {
    await using place = await openPlace();
    const gathered = await life(place);
    const away = place.world({
      secrets: { "env:DATABASE_URL": "postgresql://ann@127.0.0.1:1/shop" },
      rollbackDatabase: "down",
    });
    const { context } = away.open(settingsOf(), gathered.context.facts);
    expect(await dbMigrate.observe(context)).toMatchObject({ state: "unknown" });
    expect(await dbMigrate.verify!(context, {})).toMatchObject({ verdict: "unknown" });
    const unreachable = { code: "DATABASE_UNREACHABLE" };
    await expect(dbMigrate.gather!(away.planContext(settingsOf()))).rejects.toMatchObject(unreachable);
    await expect(dbMigrate.act(context)).rejects.toMatchObject(unreachable);
    await expect(dbMigrate.undo!(context, undefined)).rejects.toMatchObject(unreachable);
  });

  it("uses the database that the step names, and refuses to plan without any", async () => {
    await using place = await openPlace();
    const world = place.world({ environment: { database: undefined } });
    await expect(dbMigrate.gather!(world.planContext(settingsOf()))).rejects.toMatchObject({
      code: "RUNBOOK_INVALID",
    });
    const named = world.planContext(settingsOf({ database: "env:DATABASE_URL" }));
    expect(await dbMigrate.gather!(named)).toMatchObject({ applied: 0 });
  });
});
