import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { querySql, runSql } from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-backup-"));
let database: FreshDatabase;
let restored: string;
beforeAll(async () => {
  database = await freshDatabase();
  restored = `${new URL(database.url).pathname.slice(1)}_restored`;
  await runSql(
    database.url,
    `create table people (id int generated always as identity primary key, name text);
     create table orders (id int primary key); insert into people (name) select 'n' || g from generate_series(1, 50) g;
     insert into orders values (1), (2)`,
  );
});
afterAll(async () => {
  await runSql(database.url, `drop database if exists ${restored}`);
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", ...argv, "--database", "env:DB"], {
    directory,
    environment: { DB: database.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES! },
  });

describe("tminus db backup, backups, backup-diff, restore", () => {
  it("has nothing to rely on before the first backup", async () => {
    const result = await run("backups");
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toBe("there is no backup\n→ tminus db backup makes one\n");
  });

  it("refuses a pg_dump that is not there or too old, says what to install, and writes nothing", async () => {
    const result = await run("backup", "--tool", "pg_dump", "--programs", "nowhere");
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("Install postgresql-client-18 or newer");
    expect((await run("backups")).stdout).toContain("there is no backup");
  });

  it("makes a backup that counts, and lists it", async () => {
    const made = await run("backup");
    expect(made.stderr).toContain("restoring the backup into a scratch database");
    expect(made.exitCode).toBe(0);
    expect(made.stdout).toMatch(/^backed up 2 tables, 52 rows, 0\.0 MB, as of /);
    expect(made.stdout).toMatch(/proven: restored in .*, all rows, sequences and \d+ objects agree/);
    const listed = await run("backups", "--json");
    expect(listed.exitCode).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      backups: [{ basis: true, reasons: [], uncovered: [] }],
    });
  });

  it("says what was written since", async () => {
    expect((await run("backup-diff")).stdout).toMatch(/^nothing was written since /);
    await runSql(
      database.url,
      `insert into people (name) values ('late'); update people set name = 'x' where id <= 3; delete from orders where id = 2;
       create table later (a int); insert into later values (1), (2)`,
    );
    const result = await run("backup-diff", "--json");
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      tables: [
        { name: "public.later", state: "new", rowsInBackup: 0, rowsNow: 2, written: 2 },
        { name: "public.orders", state: "changed", rowsInBackup: 2, rowsNow: 1, written: 0 },
        { name: "public.people", state: "changed", rowsInBackup: 50, rowsNow: 51, written: 4 },
      ],
    });
  });

  it("restores into a new database, says first what it lacks, and leaves the live one alone", async () => {
    const result = await run("restore", "--into", restored);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("public.people  rows inserted or changed: 4; 50 rows then, 51 now");
    expect(result.stdout).toContain(`into ${restored} in `);
    const url = new URL(database.url);
    url.pathname = `/${restored}`;
    expect(await querySql(url.href, "select count(*)::int as n from people")).toEqual([{ n: 50 }]);
    expect(await querySql(database.url, "select count(*)::int as n from people")).toEqual([{ n: 51 }]);
  });

  it("refuses to restore over a database that has something in it, and over the live one", async () => {
    const again = await run("restore", "--into", restored);
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toContain("RESTORE_REFUSED");
    expect(again.stderr).toContain("the database is not empty: it has ");
    const live = await run("restore", "--into", new URL(database.url).pathname.slice(1));
    expect(live.exitCode).toBe(3);
    expect(live.stderr).toContain("a restore never goes over a live one");
    expect(await querySql(database.url, "select count(*)::int as n from people")).toEqual([{ n: 51 }]);
  });

  it("removes the new database when the backup turns out to be damaged", async () => {
    const [{ folder, id }] = (
      JSON.parse((await run("backups", "--json")).stdout) as { backups: [{ folder: string; id: string }] }
    ).backups;
    writeFileSync(join(folder, "data/00000-0000.binary.zst"), "damaged");
    const result = await run("restore", "--from", id, "--into", "never_made");
    expect(result.stderr).toContain("BACKUP_INVALID");
    expect(await querySql(database.url, "select 1 from pg_database where datname = 'never_made'")).toEqual(
      [],
    );
    const proven = await run("backup", "--prove", id);
    expect(proven.exitCode, proven.stderr).toBe(3);
    expect(proven.stderr).toContain("00000-0000.binary.zst: it has 7 bytes");
    const unproven = await run("restore", "--from", id, "--into", "never_made");
    expect(unproven.exitCode).toBe(3);
    expect(unproven.stderr).toContain(`${id} was never proven`);
    expect((await run("backups")).stdout).toContain("it was never restored and compared");
  });

  it("says when a backup is no full basis", async () => {
    const folder = join(directory, "elsewhere");
    expect((await run("restore", "--from", "./none", "--into", "never_made")).stderr).toContain(
      "BACKUP_INVALID",
    );
    await runSql(database.url, "create publication p for table people");
    const partial = await run("backup", "--directory", folder);
    expect(partial.exitCode).toBe(3);
    expect(partial.stdout).toContain("not a full basis; not covered: publication p");
  });
});
