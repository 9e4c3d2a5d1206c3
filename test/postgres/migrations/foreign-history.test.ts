import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import type { MigrationProblem } from "../../../src/postgres/migrations/compare.ts";
import type { LedgerRow } from "../../../src/postgres/migrations/ledger.ts";
import {
  discoverHistory,
  readStanding,
  type Standing,
} from "../../../src/postgres/migrations/read-history.ts";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { openMigrationWorld, up, type MigrationWorld } from "./world.ts";

let world: MigrationWorld;
let folder: string;

beforeEach(async () => {
  world = await openMigrationWorld();
  folder = join(world.directory, "supabase/migrations");
  await mkdir(folder, { recursive: true });
});
afterEach(() => world[Symbol.asyncDispose]());

const write = (file: string, sql: string): Promise<void> => writeFile(join(folder, file), sql);

async function apply(directory = folder): Promise<LedgerRow[]> {
  const { format, migrations } = await discoverHistory(directory);
  return applyMigrations(migrations, world.options({ format }));
}

async function standing(directory = folder): Promise<Standing> {
  const { format, migrations } = await discoverHistory(directory);
  const options = { ...world.options(), purpose: "look" };
  return readOnly(options, (session) => readStanding(session, format, migrations));
}

const brief = ({ kind, file }: MigrationProblem): string => `${kind} ${file}`;

describe("files of another tool", () => {
  it("are told by what is in the folder", async () => {
    const formatOf = async (directory: string): Promise<string> => (await discoverHistory(directory)).format;
    expect(await formatOf(folder)).toBe("supabase");
    await write("1_a.sql", up("select 1"));
    expect(await formatOf(folder)).toBe("native");
    const prisma = join(world.directory, "db");
    await mkdir(join(prisma, "20240101_odd name.sql"), { recursive: true });
    await writeFile(join(prisma, "20240101_odd name.sql/migration.sql"), "select 1;");
    expect(await formatOf(prisma)).toBe("prisma");
    const plain = join(world.directory, "plain");
    await mkdir(plain);
    await writeFile(join(plain, "1_a.sql"), "select 1;");
    await writeFile(join(world.directory, "config.toml"), "[server]\n");
    await expect(discoverHistory(plain)).rejects.toMatchObject({
      message: expect.stringContaining("there is no line '-- tminus: up'"),
      hint: expect.stringContaining("format: supabase"),
    });
    await writeFile(join(world.directory, "config.toml"), 'project_id = "shop"\n');
    expect(await formatOf(plain)).toBe("supabase");
  });

  it("that have run before tminus came are adopted as they are, also where the table keeps no statements", async () => {
    await world.query(
      `create schema supabase_migrations;
       create table supabase_migrations.schema_migrations (version text primary key);
       insert into supabase_migrations.schema_migrations values ('1'), ('2')`,
    );
    await write("1_a.sql", "this has run long ago;");
    await write("2_b.sql", "\\psql only\n");
    await write("3_c.sql", "create table c (id int);");
    const { adoptable, pending, problems } = await standing();
    expect(adoptable.map(({ migration, proven }) => [migration.version, proven])).toEqual([
      ["1", false],
      ["2", false],
    ]);
    expect([pending.map(({ version }) => version), problems]).toEqual([["3"], []]);
    expect((await apply()).map(({ version }) => version)).toEqual(["3"]);
    await write("1_a.sql", "this was edited since;");
    expect((await standing()).problems.map(brief)).toEqual(["edited 1_a.sql"]);
  });

  it("that tminus cannot run are refused while they are pending, with their place", async () => {
    await write("1_a.sql", "create table a (id int);\n  \\echo done\n");
    await expect(apply()).rejects.toMatchObject({
      code: "MIGRATION_REFUSED",
      message: expect.stringContaining("1_a.sql:2:3: a backslash command belongs to psql"),
    });
    expect(await world.has("a")).toBe(false);
  });

  it("are compared with the statements that the table keeps, which shows edits by comments as none", async () => {
    await write("1_a.sql", "create table a (id int);");
    await apply();
    await world.query("delete from tminus.migration");
    await write("1_a.sql", "-- the first\ncreate table a\n  (id int);\n");
    expect((await standing()).problems).toEqual([]);
    await write("1_a.sql", "create table a (id bigint);");
    expect((await standing()).problems.map(brief)).toEqual(["edited 1_a.sql"]);
  });

  it("whose row somebody took out of the owner's table are neither run again nor passed over in silence", async () => {
    await write("1_a.sql", "create table a (id int);");
    await apply();
    await world.query("delete from supabase_migrations.schema_migrations");
    const { problems, pending } = await standing();
    expect(pending).toEqual([]);
    expect(problems.map(brief)).toEqual(["disowned 1_a.sql"]);
    expect(problems[0]!.fix).toContain("supabase migration repair --status applied 1");
  });

  it("do not meet native rows of the same version unnoticed", async () => {
    await world.write("1_a.sql", up("create table a (id int)"));
    await world.apply();
    await write("1_b.sql", "create table b (id int);");
    expect((await standing()).problems.map(brief)).toEqual(["taken 1_b.sql"]);
  });

  it("are written into a ledger that an earlier tminus made, whose rows stay native", async () => {
    await world.write("1_a.sql", up("create table a (id int)"));
    await world.apply();
    await world.query("alter table tminus.migration drop column format, drop column file");
    expect(await standing(world.directory)).toMatchObject({ pending: [], problems: [] });
    await write("2_b.sql", "create table b (id int);");
    await apply();
    expect(await world.query("select format, file from tminus.migration order by version")).toEqual([
      { format: "native", file: null },
      { format: "supabase", file: "2_b.sql" },
    ]);
    expect((await standing(world.directory)).ledger.map(({ file }) => file)).toEqual(["1_a.sql"]);
  });

  it("cannot leak a search_path or a role into the next file", async () => {
    await write(
      "1_a.sql",
      "select pg_catalog.set_config('search_path', '', false);\ncreate table public.a (id int);",
    );
    await write("2_b.sql", "create table b (id int);\nset role pg_monitor;");
    await write("3_c.sql", "create table c (id int);");
    await apply();
    expect(await world.has("public.c")).toBe(true);
  });

  it("are undone by supabase/down; one that the CLI would run as a migration is refused", async () => {
    await write("1_a.sql", "create table a (id int);");
    await write("1_a.down.sql", "drop table a;");
    await expect(discoverHistory(folder)).rejects.toThrow(
      "1_a.down.sql:1:1: the Supabase CLI would run this as a migration: move it to supabase/down/1_a.sql",
    );
    await mkdir(join(world.directory, "supabase/down"));
    await rename(join(folder, "1_a.down.sql"), join(world.directory, "supabase/down/1_a.sql"));
    await apply();
    expect(await revertMigrations(world.options({ format: "supabase" }))).toMatchObject({
      state: "reverted",
    });
    expect(await world.has("a")).toBe(false);
    expect(await world.query("select 1 from supabase_migrations.schema_migrations")).toEqual([]);
  });

  it("leave neither change nor row of any table when a statement fails", async () => {
    await write("1_a.sql", "create table a (id int);\nselect 1 / 0;");
    await expect(apply()).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    expect(await world.has("a")).toBe(false);
    expect(await world.query("select 1 from supabase_migrations.schema_migrations")).toEqual([]);
    expect(await world.query("select 1 from tminus.migration")).toEqual([]);
  });
});
