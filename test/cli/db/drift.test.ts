import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-drift-"));
let database: FreshDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  mkdirSync(join(directory, "prisma/20260101000000_first"), { recursive: true });
  writeFileSync(join(directory, "prisma/migration_lock.toml"), 'provider = "postgresql"\n');
  writeFileSync(
    join(directory, "prisma/20260101000000_first/migration.sql"),
    "create table first (id int);\n",
  );
});
afterAll(async () => {
  await client.end();
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", "drift", "--dir", "prisma", "--database", "env:DB", ...argv], {
    directory,
    environment: { DB: database.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES! },
  });

describe("tminus db drift", () => {
  it("exits 0 without drift, 3 with it, and prints the statements that remove it", async () => {
    expect(await run("--expected", "files")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/no drift: \d+ objects/) as unknown,
    });
    await client.query("create table stray (id int, n int)");
    const { exitCode, stdout, stderr } = await run("--sql");
    expect(exitCode).toBe(3);
    expect(stdout).toContain("table public.stray: not in the files (files ≠ live), with 2 of its parts");
    expect(stdout).toContain("-- loses data:\ndrop table public.stray;");
    expect(stderr).toContain("replaying 0 files");
    const json = JSON.parse((await run("--json")).stdout) as {
      drift: { identity: string; within: string | null }[];
    };
    expect(json).toMatchObject({ state: "drift", against: ["files"], exitCode: 3 });
    expect(json.drift.map(({ identity }) => identity)).toEqual([
      "public.stray",
      "public.stray.id",
      "public.stray.n",
    ]);
  });

  it("exits 1 when it could not find out", async () => {
    const { exitCode, stdout } = await run("--expected", "recorded");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("could not be found out");
  });
});
