import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rehearsalSchema } from "../../../src/postgres/rehearse/rehearsal.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-rehearse-"));
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  mkdirSync(join(directory, "migrations"));
  write("20260101000000_users.sql", "create table users (id int primary key, name text)", "drop table users");
  write("20260102000000_nick.sql", "alter table users add nick text", "alter table users drop nick");
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

function write(file: string, up: string, down: string): void {
  writeFileSync(join(directory, "migrations", file), `-- tminus: up\n${up};\n-- tminus: down\n${down};\n`);
}

const options = () => ({
  directory,
  environment: { DB: database.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES ?? "" },
});
const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", "rehearse", "--dir", "migrations", "--database", "env:DB", ...argv], options());

describe("tminus db rehearse", { timeout: 30_000 }, () => {
  it("tells of each pending file in a sentence, and shows what it is doing", async () => {
    const { stdout, stderr, exitCode } = await run();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^20260102000000_nick\.sql: brief lock on users, (about \d+ ms|under 1 ms), reversible: yes, rows lost: 0$/m,
    );
    expect(stderr).toContain("20260102000000_nick.sql (2 of 2)");
  });

  it("gives the whole rehearsal as JSON, made in this process", async () => {
    const { stdout, exitCode } = await run("--tier", "0", "--json");
    expect(exitCode).toBe(0);
    const { rehearsal, refusals } = JSON.parse(stdout) as { rehearsal: unknown; refusals: string[] };
    expect(refusals).toEqual([]);
    expect(rehearsalSchema.parse(rehearsal)).toMatchObject({
      tier: 0,
      files: [{ outcome: "passed" }, { outcome: "passed" }],
    });
  });

  it("rehearses in a restore of a proven backup, and asks for one when there is none", async () => {
    const none = await run("--tier", "2");
    expect(none.exitCode).not.toBe(0);
    expect(none.stderr).toContain("there is no backup in");
    expect(none.stderr).toContain("tminus db backup");
    expect((await run("--backup", "x")).stderr).toContain("--tier 2");
    const made = await runCommand(NO_RUNS, ["db", "backup", "--database", "env:DB"], options());
    expect(made.exitCode).toBe(0);
    const { stdout, exitCode } = await run("--tier", "2", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      rehearsal: { tier: 2, files: [{ outcome: "passed" }, { outcome: "passed" }] },
    });
  });

  it("exits 3 and says why when the files should not run", async () => {
    write("20260103000000_no_name.sql", "alter table users drop column name", "select 1");
    const { stdout, exitCode } = await run("--require-reversible", "--canary", "select name from users");
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^refused: 20260103000000_no_name\.sql: up again fails/m);
  });
});
