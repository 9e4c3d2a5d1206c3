import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-status-"));
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  mkdirSync(join(directory, "migrations"));
  writeFileSync(
    join(directory, "migrations/20260101000000_first.sql"),
    "-- tminus: up\ncreate table first ();\n",
  );
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", "status", ...argv], { directory, environment: { DB: database.url } });

describe("tminus db status", () => {
  it("tells what is pending in a named database, without a runbook", async () => {
    const result = await run("--dir", "migrations", "--database", "env:DB", "--json");
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      environment: null,
      applied: [],
      pending: [{ version: "20260101000000", name: "first", file: "20260101000000_first.sql" }],
      problems: [],
    });
  });

  it("tells what another tool's folder and table say, by what is in the folder", async () => {
    const folder = join(directory, "prisma/migrations");
    for (const name of ["1_first", "2 second"]) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, "migration.sql"), "select 1;");
    }
    const result = await run("--dir", "prisma/migrations", "--database", "env:DB", "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({
      format: "prisma",
      pending: [{ version: "1_first" }, { version: "2 second", file: "2 second/migration.sql" }],
      problems: [],
    });
    const native = await run("--dir", "prisma/migrations", "--format", "native", "--database", "env:DB");
    expect(native.stdout).toContain("0 applied, 0 pending");
  });

  it("needs a runbook when no database is named", async () => {
    const result = await run("--dir", "migrations");
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("RUNBOOK_MISSING");
  });

  it("never takes a connection string for a reference, and does not print it", async () => {
    const result = await run("--dir", "migrations", "--database", "postgres://mia:hunter22@127.0.0.1/shop");
    expect(result.exitCode).toBe(2);
    expect(result.stderr).not.toContain("hunter22");
  });
});
