import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { backfillSchema } from "../../../src/model/backfill.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-lint-fix-"));
const TABLE = "create table users (id bigint primary key, name text, age integer);";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(join(directory, file, ".."), { recursive: true });
  writeFileSync(join(directory, file), text);
}

const read = (file: string): string => readFileSync(join(directory, file), "utf8");

function run(folder: string, ...more: string[]): Promise<CommandResult> {
  return runCommand(NO_RUNS, ["db", "lint", "--dir", folder, ...more], {
    directory,
    environment: { DB: database.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES! },
  });
}

interface Fix {
  isWritten: boolean;
  fixed: { file: string; becomes: { file: string; text: string }[]; notes: string[] }[];
  verdict: { state: string; reason?: string } | null;
  left: { rule: string; file: string; reason: string }[];
  exitCode: number;
}

const json = async (folder: string, ...more: string[]): Promise<Fix> =>
  JSON.parse((await run(folder, "--fix", "--json", ...more)).stdout) as Fix;

describe("tminus db lint --fix", () => {
  it("shows the files, tries them out, and changes nothing", async () => {
    write("show/20260101000000_users.sql", `-- tminus: up\n${TABLE}\n`);
    write("show/20260101235959_index.sql", "-- why\n-- tminus: up\ncreate index on users (name);\n");
    const { stdout, exitCode } = await run("show", "--fix");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("show/20260101235959_index.sql  would become  [index-without-concurrently]");
    expect(stdout).toContain("    | -- why\n    | -- tminus: no-transaction\n    | -- tminus: up\n");
    expect(stdout).toContain("    | CREATE INDEX CONCURRENTLY users_name_idx ON users");
    expect(stdout).toContain("verified: run on a scratch server, the schema ends the same");
    expect(stdout).toContain("a file that has run anywhere must not be changed");
    expect(stdout).toContain("next: the same command with --write");
    expect(read("show/20260101235959_index.sql")).toContain("create index on users (name);");
    expect(readdirSync(join(directory, "show"))).toHaveLength(2);
  });

  it("writes files behind the original's version, keeps the rest in order, and then finds nothing", async () => {
    write("write/20260101000000_users.sql", `-- tminus: up\n${TABLE}\n`);
    write(
      "write/20260101235959_more.sql",
      `-- tminus: up
-- first
alter table users add column note text;
create index users_age on users (age);
alter table users add column last text, add constraint adult check (age > 17), add column very_last text;
-- tminus: down
alter table users drop constraint adult, drop column last, drop column very_last;
drop index users_age;
alter table users drop column note;
`,
    );
    const written = await json("write", "--write");
    expect(written).toMatchObject({ isWritten: true, verdict: { state: "same" }, left: [], exitCode: 0 });
    const files = readdirSync(join(directory, "write")).sort();
    expect(files).toEqual([
      "20260101000000_users.sql",
      "20260101235959_more.sql",
      "20260102000000_more_index.sql",
      "20260102000001_more_rest.sql",
      "20260102000002_more_not_valid.sql",
      "20260102000003_more_validate.sql",
      "20260102000004_more_rest.sql",
    ]);
    expect(read("write/20260101235959_more.sql")).toContain(
      "-- first\nalter table users add column note text;",
    );
    expect(written.fixed[0]!.notes.join()).toContain("down section");
    expect((await run("write")).exitCode).toBe(0);
    expect((await run("write", "--fix")).stdout).toContain("nothing to rewrite");
  });

  it("divides a down section that has one statement for each", async () => {
    write("down/1_users.sql", `-- tminus: up\n${TABLE}\n`);
    write(
      "down/2_more.sql",
      "-- tminus: up\nalter table users add column note text;\ndrop index if exists old;\n-- tminus: down\ncreate index old on users (age);\nalter table users drop column note;\n",
    );
    const { fixed } = await json("down");
    expect(fixed[0]!.becomes.map(({ text }) => text.split("-- tminus: down\n")[1])).toEqual([
      "alter table users drop column note;\n",
      "create index old on users (age);\n",
    ]);
    expect(fixed[0]!.notes).toEqual([]);
  });

  it("rewrites nothing where there is no room, and says so", async () => {
    write("room/1_users.sql", `-- tminus: up\n${TABLE}\n`);
    write("room/2_check.sql", "-- tminus: up\nalter table users add check (age > 0);\n");
    write("room/3_more.sql", "-- tminus: up\ncreate table more ();\n");
    const { fixed, left, exitCode } = await json("room", "--write");
    expect(fixed).toEqual([]);
    expect(left).toMatchObject([
      {
        rule: "add-check-validated",
        file: "room/2_check.sql",
        reason: expect.stringContaining("no room") as string,
      },
    ]);
    expect(exitCode).toBe(3);
  });

  it.each([
    ["a temporary table", "create temp table t (); create index on users (name);", "temporary table"],
    ["its own search path", "set search_path = public; create index on users (name);", "SET search_path"],
    ["what no rule rewrites", "truncate users;", "."],
  ])("leaves a file with %s", async (name, sql, reason) => {
    const folder = name.replaceAll(" ", "-");
    write(`${folder}/1_users.sql`, `-- tminus: up\n${TABLE}\n`);
    write(`${folder}/2_more.sql`, `-- tminus: up\n${sql}\n`);
    const { fixed, left, exitCode } = await json(folder);
    expect(fixed).toEqual([]);
    expect(left[0]!.reason).toContain(reason);
    expect(exitCode).toBe(3);
  });

  it("repeats a setting in each file that runs in a transaction", async () => {
    write("set/1_users.sql", `-- tminus: up\n${TABLE}\n`);
    write(
      "set/2_more.sql",
      "-- tminus: up\nset search_path = public;\nalter table users add check (age > 0);\ncomment on table users is 'x';\n",
    );
    const { fixed, verdict } = await json("set");
    expect(fixed[0]!.becomes.map(({ text }) => text.includes("set search_path = public;\n"))).toEqual([
      true,
      true,
      true,
    ]);
    expect(verdict).toMatchObject({ state: "same" });
  });

  it("with a database rewrites only what is pending there, as one deploy", async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(TABLE).finally(() => client.end());
    write(
      "pending/1_users.sql",
      `-- tminus: up\n${TABLE.replace("users", "made")}\ncreate index on made (id);\n`,
    );
    write("pending/2_index.sql", "-- tminus: up\ncreate index on made (name);\n");
    const { fixed, left } = await json("pending", "--database", "env:DB");
    expect({ fixed, left }).toEqual({ fixed: [], left: [] });
  });

  it("says when the original does not run, and refuses to write what does not", async () => {
    write("broken/1_users.sql", `-- tminus: up\n${TABLE}\n`);
    write("broken/2_index.sql", "-- tminus: up\ncreate index concurrently users_name on users (name);\n");
    expect((await json("broken")).verdict).toMatchObject({ state: "runs" });
    write("broken/3_more.sql", "-- tminus: up\nselect * from nowhere;\n");
    const { verdict, isWritten, exitCode } = await json("broken", "--write");
    expect({ verdict, isWritten, exitCode }).toMatchObject({
      verdict: { state: "wrong", reason: expect.stringContaining("nowhere") as string },
      isWritten: false,
      exitCode: 3,
    });
  });

  it("says that it is not verified where there is no server", async () => {
    const { stdout } = await runCommand(NO_RUNS, ["db", "lint", "--dir", "show", "--fix"], {
      directory,
      environment: { TMINUS_SCRATCH_URL: "postgres://127.0.0.1:1/none" },
    });
    expect(stdout).toContain("not verified: there is no server to try it on");
  });

  it("writes Supabase's and Prisma's files", async () => {
    write("supabase/migrations/20260101000000_users.sql", `${TABLE}\n`);
    write("supabase/migrations/20260102000000_check.sql", "alter table users add check (age > 0);\n");
    const supabase = await json("supabase/migrations", "--history", "supabase", "--write");
    expect(supabase.fixed[0]!.becomes.map(({ file }) => file)).toEqual([
      "supabase/migrations/20260102000000_check.sql",
      "supabase/migrations/20260102000001_check_validate.sql",
    ]);
    expect(read("supabase/migrations/20260102000001_check_validate.sql")).not.toContain("tminus");
    write("prisma/migrations/20260101000000_users/migration.sql", `${TABLE}\n`);
    write("prisma/migrations/20260102000000_check/migration.sql", "alter table users add check (age > 0);\n");
    await json("prisma/migrations", "--history", "prisma", "--write");
    expect(read("prisma/migrations/20260102000001_check_validate/migration.sql")).toContain(
      "validate constraint",
    );
    expect((await run("prisma/migrations", "--history", "prisma")).exitCode).toBe(0);
  });

  it("shows the steps db.backfill as YAML that a runbook takes, before the files of the phase contract", async () => {
    write("fill/1_users.sql", `-- tminus: up\n${TABLE}\n`);
    write("fill/2_rename.sql", "-- tminus: up\nalter table users rename column name to full_name;\n");
    const { stdout } = await run("fill", "--fix");
    expect(stdout).toContain("verified: run on a scratch server, the schema ends the same");
    const [, ...shown] = stdout.split("  a step for the runbook, behind db.migrate and before db.contract\n");
    expect(shown).not.toEqual([]);
    for (const step of shown) {
      const lines = step.split("\n").filter((line) => line.startsWith("    | "));
      const [{ "db.backfill": settings }] = parse(
        lines
          .map((line) => line.slice(6))
          .join("\n")
          .split("\n-- ")[0]!,
      ) as [{ "db.backfill": unknown }];
      expect(backfillSchema.safeParse(settings).success).toBe(true);
    }
    expect(shown.at(-1)).toContain(", for db.contract after sign-off\n    | -- tminus: phase contract\n");
  });

  it("wants --fix with --write, and text", async () => {
    expect((await run("show", "--write")).exitCode).toBe(2);
    expect((await run("show", "--fix", "--format", "sarif")).exitCode).toBe(2);
  });
});
