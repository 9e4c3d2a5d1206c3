import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { applyMigrations } from "../../src/postgres/migrations/apply.ts";
import { discoverMigrations } from "../../src/postgres/migrations/discover.ts";
import { dbContract } from "../../src/steps/db-contract.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { driveKilled } from "../../src/testing/kill-harness.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { openMigrationWorld, type MigrationWorld } from "../postgres/migrations/world.ts";

const EXPAND = `-- tminus: up
create table users (id bigint generated always as identity primary key, email text not null default 'none', age int, touched int not null default 0);
create function touch() returns trigger language plpgsql as 'begin new.touched := old.touched + 1; return new; end';
create trigger touch before update on users for each row execute function touch();
create table notes (id serial primary key, user_id bigint references users (id), text text, size int generated always as (length(text)) stored);
-- tminus: down
drop table notes; drop table users; drop function touch();
`;
const CONTRACT = `-- tminus: phase contract
-- tminus: up
alter table users drop column email, alter column age type smallint using least(age, 40);
drop table notes;
-- tminus: down
create table notes (id serial primary key, user_id bigint, text text, size int generated always as (length(text)) stored);
alter table notes add foreign key (user_id) references users (id);
alter table users add column email text default 'none';
alter table users alter column email set not null;
alter table users alter column age type int;
`;
const ROWS = `insert into users (email, age) select 'user' || n || '@x', n from generate_series(1, 50) n;
  insert into notes (user_id, text) select n, 'note ' || n from generate_series(1, 20) n`;
const SETTINGS = dbContract.schema.parse({ directory: "migrations" }) as JsonObject;
const ALL_USERS = "select id, email, age, touched from users order by id";
const ALL_NOTES = "select id, user_id, text, size from notes order by id";

interface Place extends AsyncDisposable {
  world: MigrationWorld;
  write(file: string, text: string): Promise<void>;
  /** What db.migrate does. */
  expand(): Promise<unknown>;
  steps(options?: FakeStepWorldOptions): ReturnType<typeof createFakeStepWorld>;
  plan(): Promise<ReturnType<typeof dbContract.plan>>;
  life(): Promise<ReturnType<ReturnType<typeof createFakeStepWorld>["open"]>["context"]>;
}

async function openPlace(contract = CONTRACT, expand = EXPAND): Promise<Place> {
  const world = await openMigrationWorld();
  const folder = join(world.directory, "migrations");
  await mkdir(folder);
  await writeFile(join(world.directory, "database.url"), world.url);
  const write = (file: string, text: string): Promise<void> => writeFile(join(folder, file), text);
  await write("1_expand.sql", expand);
  const steps = (options: FakeStepWorldOptions = {}) =>
    createFakeStepWorld({
      projectDirectory: world.directory,
      clock: systemClock,
      environment: { database: "env:DATABASE_URL" },
      secrets: { "env:DATABASE_URL": world.url },
      ...options,
    });
  const place: Place = {
    world,
    write,
    expand: async () => applyMigrations(await discoverMigrations(folder), world.options()),
    steps,
    async plan() {
      const facts = await dbContract.gather!(steps().planContext(SETTINGS));
      return dbContract.plan(steps().planInput(SETTINGS, facts));
    },
    async life() {
      const facts = await dbContract.gather!(steps().planContext(SETTINGS));
      return steps().open(SETTINGS, facts).context;
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
  await place.expand();
  if (expand === EXPAND) await world.query(ROWS);
  await write("2_contract.sql", contract);
  return place;
}

/** 0 while everything is as it was, 1 when it is gone. */
async function effects({ world }: Place): Promise<number> {
  if (!(await world.has("notes"))) return 1;
  const [row] = await world.query<{ fine: boolean }>(
    "select bool_and(email = 'user' || id || '@x' and age = id and touched = 0) and count(*) = 50 as fine from users",
  );
  const [notes] = await world.query<{ fine: boolean }>(
    "select count(*) = 20 and bool_and(text = 'note ' || id and size = length(text)) as fine from notes",
  );
  return row?.fine === true && notes?.fine === true ? 0 : 2;
}

const CASE: StepCase = {
  kind: dbContract,
  with: { directory: "migrations" },
  async open() {
    const place = await openPlace();
    return {
      world: place.steps(),
      effects: () => effects(place),
      close: () => place[Symbol.asyncDispose](),
    };
  },
};

describe("db.contract", () => {
  it("keeps the contract of a step: act, undo, act again", async () => {
    await driveStep(CASE);
  });

  it("ends in one state or the other wherever it is interrupted", async () => {
    expect((await driveInterrupted(CASE)).parked).toBe(0);
  });

  it("drops once and archives once, whichever crash point kills it", async () => {
    await using place = await openPlace();
    const report = await driveKilled({
      module: fileURLToPath(new URL("./db-contract-case.ts", import.meta.url)),
      directory: place.world.directory,
      points: ["migrate.before-transaction", "migrate.before-commit", "migrate.after-commit"],
    });
    expect(report).toMatchObject({ outcome: "done" });
    expect(report.kills).toHaveLength(3);
    expect(await effects(place)).toBe(1);
    const archived = await place.world.query("select kind, rows from tminus_archive.dropped order by id");
    expect(archived).toEqual([
      { kind: "column", rows: "50" },
      { kind: "type", rows: "50" },
      { kind: "table", rows: "20" },
    ]);
  });

  it("says in the plan what is dropped, archived with how many rows, and how it is undone", async () => {
    await using place = await openPlace();
    const { summary, undo, blocked, risk } = await place.plan();
    expect(blocked).toEqual([]);
    expect(risk).toBe("high");
    expect(summary).toEqual([
      "apply 2_contract.sql",
      "  alter table users drop column email, alter column age type smallint using least(age, 40)",
      "  drop table notes",
      "  first archives users.email (50 rows) in the schema tminus_archive",
      "  first archives users.age (50 rows) in the schema tminus_archive",
      "  first archives notes (20 rows) in the schema tminus_archive",
    ]);
    expect(undo).toEqual({
      how: "undo",
      text: "the down sections of 1 run in reverse and put the archived values back: users.email, users.age, notes",
    });
  });

  it("puts back what was there and keeps what was written since", async () => {
    await using place = await openPlace(CONTRACT.replace("email text default 'none'", "email text"));
    const { query } = place.world;
    const before = await query(ALL_USERS);
    const context = await place.life();
    const acted = await dbContract.act(context);
    expect(acted).toMatchObject({
      outcome: "done",
      reason: "1 migration applied; archived users.email (50), users.age (50), notes (20)",
    });
    await query("update users set age = 77 where id = 3");
    await query("delete from users where id = 44");
    await query("insert into users (age) values (88)");
    const undone = await dbContract.undo!(context, acted.outcome === "done" ? acted.result : undefined);
    expect(undone).toMatchObject({ outcome: "failed" });
    expect(undone.reason).toContain('"email" of relation "users" contains null values');
    expect(await place.world.has("notes")).toBe(false);

    await query(
      "update tminus.migration set down_sql = replace(down_sql, 'alter table users alter column email set not null;', '')",
    );
    await query("update users set age = 88 where id = 51");
    expect(await dbContract.undo!(context, undefined)).toMatchObject({
      outcome: "done",
      reason: "1 migration undone; put back notes (20), users.email (49), users.age (9)",
    });
    const after = await query(ALL_USERS);
    expect(after.filter(({ id }) => !["3", "51"].includes(id as string))).toEqual(
      before.filter(({ id }) => !["3", "44"].includes(id as string)),
    );
    expect(after).toContainEqual({ id: "3", email: "user3@x", age: 77, touched: 1 });
    expect(await query("select nextval('notes_id_seq')::int as next")).toEqual([{ next: 21 }]);
    expect(await query(ALL_NOTES)).toHaveLength(20);
  });

  it("says before a rollback what would keep it from being undone", async () => {
    await using place = await openPlace();
    const context = await place.life();
    await dbContract.act(context);
    const preview = () => dbContract.previewUndo!({ ...context, rollbackDatabase: "keep" });
    expect(await preview()).toMatchObject({
      text: expect.stringContaining("is put back") as string,
      isRefused: false,
    });
    await place.world.query("update tminus.migration set down_sql = null where version = '2'");
    expect(await preview()).toMatchObject({
      text: "2_contract.sql has no down section; nothing was undone",
      isRefused: true,
    });
  });

  it("refuses with the exact reason when somebody made what was dropped again, or the down section does not", async () => {
    await using place = await openPlace();
    const context = await place.life();
    await dbContract.act(context);
    await place.world.query("create table notes ()");
    expect((await dbContract.undo!(context, undefined)).reason).toBe(
      "2: notes is there again, made by somebody else; nothing of it was undone",
    );
    await place.world.query("drop table notes");
    await place.world.query("update tminus.migration set down_sql = 'select 1' where version = '2'");
    expect((await dbContract.undo!(context, undefined)).reason).toBe(
      "2: the down section does not bring users.email back; nothing of it was undone",
    );
    expect(await place.world.query("select version from tminus.migration order by 1")).toHaveLength(2);
  });

  it("waits for every file of another phase before it, and comes late without being out of order", async () => {
    await using place = await openPlace();
    const context = await place.life();
    await place.write("3_between.sql", "-- tminus: up\ncreate table c ();\n");
    await place.write("4_contract.sql", "-- tminus: phase contract\n-- tminus: up\ndrop table c;\n");
    expect((await dbContract.act(context)).reason).toBe(
      "the files in migrations changed after the plan was made",
    );
    const later = await place.life();
    expect(await dbContract.act(later)).toMatchObject({
      outcome: "failed",
      reason: "3_between.sql has not run, and the contract phase comes after it",
      result: { code: "MIGRATION_REFUSED" },
    });
    await place.expand();
    expect(await dbContract.act(later)).toMatchObject({ outcome: "done" });
    expect((await place.plan()).undo.how).toBe("none-needed");
  });

  it.each([
    ["delete from users", "2_contract.sql:3: deletes rows, which is not archived and could not be put back"],
    ["do 'begin end'", "2_contract.sql:3: runs a DO block, which is not archived and could not be put back"],
    [
      "alter table plain drop column a",
      "2_contract.sql:3: plain has no primary key by which the values of plain.a could be put back",
    ],
    [
      "alter table users drop column id",
      "2_contract.sql:3: users.id belongs to the primary key by which its values would be put back",
    ],
  ])("blocks the plan of what it could not put back: %s", async (sql, reason) => {
    await using place = await openPlace(
      `-- tminus: phase contract\n-- tminus: up\n${sql};\n`,
      "-- tminus: up\ncreate table users (id int primary key);\ncreate table plain (a int);\n",
    );
    expect((await place.plan()).blocked.map((item) => item.reason)).toEqual([reason]);
    if (sql.startsWith("alter")) {
      expect(await dbContract.act(await place.life())).toMatchObject({ outcome: "failed" });
    } else {
      await place.write(
        "2_contract.sql",
        `-- tminus: phase contract\n-- tminus: allow contract-unarchived it is known\n-- tminus: up\n${sql};\n`,
      );
      expect((await place.plan()).blocked).toEqual([]);
    }
  });

  it("drops nothing in a file in pieces, where the copy and the drop would not be one", async () => {
    await using place = await openPlace(
      "-- tminus: phase contract\n-- tminus: no-transaction\n-- tminus: up\nalter table users drop column email;\n",
    );
    const reason = "2_contract.sql:4: users.email cannot be archived in a file that is not one transaction";
    expect((await place.plan()).blocked.map((item) => item.reason)).toEqual([reason]);
    const acted = await dbContract.act(await place.life());
    expect(acted).toMatchObject({ outcome: "failed", reason: `${reason}; nothing was changed` });
    expect(await place.world.query("select count(email)::int as emails from users")).toEqual([
      { emails: 50 },
    ]);
  });

  it.each(["drop table animals cascade", "alter table animals drop column name"])(
    "drops nothing that tables inherit, whose rows it would not archive: %s",
    async (sql) => {
      await using place = await openPlace(
        `-- tminus: phase contract\n-- tminus: up\n${sql};\n-- tminus: down\nselect 1;\n`,
        "-- tminus: up\ncreate table animals (id int primary key, name text);\ncreate table cats (lives int) inherits (animals);\n",
      );
      await place.world.query("insert into cats values (1, 'Tom', 9)");
      const reason = expect.stringContaining("cats inherits from animals") as string;
      expect((await place.plan()).blocked).toMatchObject([{ reason }]);
      expect(await dbContract.act(await place.life())).toMatchObject({ outcome: "failed", reason });
      expect(await place.world.query("select name, lives from cats")).toEqual([{ name: "Tom", lives: 9 }]);
    },
  );

  it("archives tables that inherit one by one, and puts every row back once", async () => {
    await using place = await openPlace(
      `-- tminus: phase contract
-- tminus: up
drop table cats;
drop table animals;
-- tminus: down
create table animals (id int primary key, name text);
create table cats (lives int) inherits (animals);
`,
      "-- tminus: up\ncreate table animals (id int primary key, name text);\ncreate table cats (lives int) inherits (animals);\n",
    );
    await place.world.query("insert into cats values (1, 'Tom', 9); insert into animals values (1, 'Rex')");
    const context = await place.life();
    expect(await dbContract.act(context)).toMatchObject({ outcome: "done" });
    expect(await dbContract.undo!(context, undefined)).toMatchObject({ outcome: "done" });
    expect(await place.world.query("select name, lives from cats")).toEqual([{ name: "Tom", lives: 9 }]);
    expect(await place.world.query("select name from only animals")).toEqual([{ name: "Rex" }]);
  });
});
