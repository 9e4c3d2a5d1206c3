import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Attempt, Run } from "../../../src/model/run.ts";
import type { Tminus } from "../../../src/model/tminus.ts";
import { runSql } from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { withRun } from "../support/cases.ts";
import { PROTECTED_RUNBOOK } from "../support/protected-runbook.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tminus-db-remove-"));
let database: FreshDatabase;
let tminus: Tminus = withRun({}, { runs: async () => [] });
let ids: string[];
beforeAll(async () => {
  database = await freshDatabase();
  await runSql(database.url, "create table people (id int primary key); insert into people values (1)");
  writeFileSync(join(directory, "tminus.yaml"), PROTECTED_RUNBOOK);
  // Oldest first.
  ids = [await make(), await make(), await make()];
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...argv: string[]): Promise<CommandResult> =>
  runCommand(tminus, ["db", ...argv], {
    directory,
    environment: { DB: database.url, TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES! },
  });

async function make(): Promise<string> {
  return (JSON.parse((await run("backup", "--json")).stdout) as { id: string }).id;
}

async function listed(): Promise<string[]> {
  const { backups } = JSON.parse((await run("backups", "--json")).stdout) as { backups: { id: string }[] };
  return backups.map(({ id }) => id).toSorted();
}

/** A run whose step made, or found, that backup. */
function naming(id: string, change: Partial<Run>): Tminus {
  const attempt: Attempt = {
    runId: "r1",
    stepId: "backup",
    phase: "act",
    number: 1,
    state: "done",
    acted: true,
    result: { id },
    begunAt: new Date(),
  };
  const base = withRun(change);
  return { ...base, runs: async () => [await base.findRun(undefined)], attempts: async () => [attempt] };
}

describe("tminus db backup-remove", () => {
  it("wants to be told which", async () => {
    for (const argv of [[], [ids[0]!, "--keep", "1"]]) {
      const result = await run("backup-remove", ...argv);
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain("Name them, or give --keep or --older-than.");
    }
  });

  it("shows what would go, and removes nothing unless the environment is named", async () => {
    const look = await run("backup-remove", "--keep", "1", "--look", "--json");
    expect(JSON.parse(look.stdout)).toMatchObject({
      removed: [],
      wouldRemove: [ids[1], ids[0]],
      exitCode: 0,
    });
    const refused = await run("backup-remove", "--keep", "1");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--confirm=production");
    expect(await listed()).toEqual(ids.toSorted());
  });

  it("never removes the newest that is proven, and none of those named with it", async () => {
    const result = await run("backup-remove", ids[0]!, ids[2]!, "--yes");
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain(`${ids[2]!}  stays: it is the newest that is proven`);
    expect(await listed()).toEqual(ids.toSorted());
  });

  it("keeps what a run names that may still go back, and removes the others", async () => {
    tminus = naming(ids[0]!, { state: "held" });
    const held = await run("backup-remove", ids[0]!, "--yes");
    expect(held.exitCode).toBe(3);
    expect(held.stdout).toMatch(/stays: run .* may still go back to it/);
    const result = await run("backup-remove", "--keep", "1", "--confirm", "production", "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({
      removed: [ids[1]],
      staying: [{ id: ids[0] }],
      exitCode: 0,
    });
    expect(await listed()).toEqual([ids[0]!, ids[2]!].toSorted());
  });
});
