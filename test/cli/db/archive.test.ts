import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { discoverMigrations } from "../../../src/postgres/migrations/discover.ts";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { applyContract } from "../../../src/postgres/phases/apply-contract.ts";
import { restoreGuard } from "../../../src/postgres/phases/restore.ts";
import { openMigrationWorld, type MigrationWorld } from "../../postgres/migrations/world.ts";
import { ended, ID, withRun } from "../support/cases.ts";
import { PROTECTED_RUNBOOK } from "../support/protected-runbook.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const CONTRACT = `-- tminus: phase contract
-- tminus: up
alter table users drop column email;
drop table notes;
-- tminus: down
create table notes (id int primary key);
alter table users add column email text;
`;
const RUN_KEY = `${ID}/contract`;
const ACTIVE = withRun({ state: "held" });
const ENDED = withRun(ended);

/** users.email (50 rows) is archived as 1, notes (20 rows) as 2, by the run that the fakes know. */
async function openArchived(): Promise<MigrationWorld> {
  const world = await openMigrationWorld();
  await writeFile(join(world.directory, "tminus.yaml"), PROTECTED_RUNBOOK);
  await world.write(
    "1_expand.sql",
    "-- tminus: up\ncreate table users (id int primary key, email text);\ncreate table notes (id int primary key);\n",
  );
  await world.apply();
  await world.query("insert into users select n, 'u' || n from generate_series(1, 50) n");
  await world.query("insert into notes select generate_series(1, 20)");
  await world.write("2_contract.sql", CONTRACT);
  await applyContract(
    await discoverMigrations(world.directory),
    world.options({ runKey: RUN_KEY, appliedBy: "ben" }),
  );
  return world;
}

const archive = (
  world: MigrationWorld,
  tminus: ReturnType<typeof withRun>,
  ...argv: string[]
): Promise<CommandResult> =>
  runCommand(tminus, ["db", "archive", ...argv], {
    directory: world.directory,
    environment: { DB: world.url },
  });

async function kept(world: MigrationWorld): Promise<string[]> {
  const rows = await world.query<{ name: string }>(
    `select archive_table as name from tminus_archive.dropped
     where to_regclass(format('tminus_archive.%I', archive_table)) is not null order by id`,
  );
  const tables = await world.query("select from pg_tables where schemaname = 'tminus_archive'");
  expect(tables).toHaveLength(rows.length + 1);
  return rows.map(({ name }) => name);
}

const BOTH = ["1_users_email", "2_notes"];

describe("tminus db archive", () => {
  it("lists what is kept, from which file, and whether its run may still put it back", async () => {
    await using world = await openArchived();
    const active = await archive(world, ACTIVE);
    expect(active.exitCode).toBe(0);
    expect(active.stdout).toMatch(
      /^1 {2}users\.email {2}50 rows, 0\.\d MB, dropped by 2_contract\.sql, since \d{4}-.*Z, by ben\n {2}run r0sample0001 may still put it back$/m,
    );
    const over = JSON.parse((await archive(world, ENDED, "--json")).stdout) as { archived: unknown[] };
    expect(over.archived).toMatchObject([
      { id: "1", kind: "column", what: "users.email", rows: 50, file: "2_contract.sql", runKey: RUN_KEY },
      { id: "2", kind: "table", what: "notes", rows: 20, undo: { state: "over" }, restoredAt: null },
    ]);
    const old = await archive(world, ENDED, "--older-than", "1h");
    expect(old.stdout).toContain("nothing is archived");
  });

  it("says nothing is archived where nothing ever was", async () => {
    await using world = await openMigrationWorld();
    const result = await archive(world, ENDED, "--database", "env:DB");
    expect(result).toMatchObject({ exitCode: 0, stdout: "nothing is archived\n" });
  });

  it("wants to be told what to remove, and that it is there", async () => {
    await using world = await openArchived();
    for (const argv of [["--remove"], ["--remove", "1", "--older-than", "1h"], ["--remove", "1", "9"]]) {
      const result = await archive(world, ENDED, ...argv, "--yes");
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain("tminus db archive lists");
    }
    expect(await kept(world)).toEqual(BOTH);
  });

  it("removes nothing from a protected environment that was not named, and then exactly what was named", async () => {
    await using world = await openArchived();
    const refused = await archive(world, ENDED, "--remove", "1");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--confirm=production");
    expect(refused.stderr).toMatch(/users\.email {2}50 rows.* will be removed for good/);
    expect(await kept(world)).toEqual(BOTH);
    const result = await archive(world, ENDED, "--remove", "1", "--confirm", "production", "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({
      removed: ["1"],
      rowsRemoved: 50,
      staying: [],
      exitCode: 0,
    });
    expect(await kept(world)).toEqual(["2_notes"]);
  });

  it("keeps what a run that has not ended may put back, and that run then puts it back", async () => {
    await using world = await openArchived();
    const result = await archive(world, ACTIVE, "--remove", "1", "2", "--yes");
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain("1  stays: run r0sample0001 may still put it back");
    await revertMigrations(world.options({ runKey: RUN_KEY }), restoreGuard([]));
    expect(await world.query("select count(email)::int as emails from users")).toEqual([{ emails: 50 }]);
    const undone = await archive(world, ACTIVE, "--remove", "1", "2", "--yes", "--json");
    expect(JSON.parse(undone.stdout)).toMatchObject({ removed: ["1", "2"], rowsRemoved: 70 });
    expect(await kept(world)).toEqual([]);
  });

  it("does not take a run that nobody knows for one that has ended", async () => {
    await using world = await openArchived();
    const other = withRun({ ...ended, id: "r0other00001" });
    const argv = ["--remove", "1", "--yes"];
    const result = await archive(world, other, ...argv);
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain("it is not known whether run r0sample0001 may still put it back");
    expect(await kept(world)).toEqual(BOTH);
    expect((await archive(world, other, ...argv, "--unknown-runs")).exitCode).toBe(0);
    expect(await kept(world)).toEqual(["2_notes"]);
  });

  it("asks no run where there is no runbook, and says so", async () => {
    await using world = await openArchived();
    await rm(join(world.directory, "tminus.yaml"));
    const result = await archive(world, ENDED, "--database", "env:DB", "--remove", "1");
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain("--unknown-runs removes it all the same");
    expect(await kept(world)).toEqual(BOTH);
  });

  it("removes what is old, and leaves what something else depends on, with the reason", async () => {
    await using world = await openArchived();
    await world.query("update tminus_archive.dropped set archived_at = now() - interval '40 days'");
    await world.query('create view still_used as select * from tminus_archive."2_notes"');
    const result = await archive(world, ENDED, "--remove", "--older-than", "30d", "--yes");
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toContain("1  removed");
    expect(result.stdout).toMatch(/2 {2}stays: .*depend/);
    expect(await kept(world)).toEqual(["2_notes"]);
  });

  it("waits for nobody for long who reads it, names them, and removes nothing", async () => {
    await using world = await openArchived();
    const reader = await world.other();
    await reader.query('begin; select count(*) from tminus_archive."1_users_email"');
    const result = await archive(world, ENDED, "--remove", "1", "--yes");
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("could not get its lock");
    expect(await kept(world)).toEqual(BOTH);
  });

  it("removes the note of a table that somebody has dropped", async () => {
    await using world = await openArchived();
    await world.query('drop table tminus_archive."1_users_email"');
    expect((await archive(world, ENDED)).stdout).toContain("its table is gone");
    const result = await archive(world, ENDED, "--remove", "1", "--yes", "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({ removed: ["1"], rowsRemoved: 0 });
    expect(await kept(world)).toEqual(["2_notes"]);
  });
});
