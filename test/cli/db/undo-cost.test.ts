import { describe, expect, it } from "vitest";
import { openMigrationWorld, type MigrationWorld } from "../../postgres/migrations/world.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));

const undoCost = (world: MigrationWorld, ...argv: string[]): Promise<CommandResult> =>
  runCommand(NO_RUNS, ["db", "undo-cost", "--database", "env:DB", ...argv], {
    directory: world.directory,
    environment: { DB: world.url },
  });

/** One run made people, the next one gave them an email. */
async function openApplied(down = "alter table people drop column email;\n"): Promise<MigrationWorld> {
  const world = await openMigrationWorld();
  await world.write("1_people.sql", "-- tminus: up\ncreate table people (id int primary key);\n");
  await world.apply({ runKey: "run-1/migrate" });
  await world.query("insert into people select generate_series(1, 100)");
  await world.write(
    "2_email.sql",
    `-- tminus: up\nalter table people add column email text;\n-- tminus: down\n${down}`,
  );
  await world.apply({ runKey: "run-2/migrate" });
  return world;
}

describe("tminus db undo-cost", () => {
  it("counts what was written since into what undoing drops, with its place and time, and exits 3", async () => {
    await using world = await openApplied();
    await world.query("update people set email = 'p' || id where id <= 41");
    const { stdout, exitCode } = await undoCost(world);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(
      /^1 applied by run-2\/migrate: undoing drops 41 emails \(people\.email\) written since \d\d:\d\d UTC on /m,
    );
    expect(stdout).toMatch(/^2_email\.sql:4: 41 emails \(people\.email\), written since \d{4}-/m);
    expect(await world.query("select count(email)::int as emails from people")).toEqual([{ emails: 41 }]);
  });

  it("exits 0 when nothing was written, and says so as JSON", async () => {
    await using world = await openApplied();
    const { stdout, exitCode } = await undoCost(world, "run-2", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      run: "run-2/migrate",
      migrations: ["2_email.sql"],
      refusal: null,
      rows: 0,
      losses: [],
      text: "undoing loses no rows",
    });
  });

  it("says what cannot be undone at all, and exits 3", async () => {
    await using world = await openApplied();
    const { stdout, exitCode } = await undoCost(world, "run-1");
    expect(exitCode).toBe(3);
    expect(stdout).toContain("cannot be undone: 1_people.sql has no down section");
  });

  it("does not take what cannot be counted for nothing: it exits 1", async () => {
    await using world = await openApplied(
      "drop function if exists fill(); drop schema if exists extra cascade;\n",
    );
    const { stdout, exitCode } = await undoCost(world, "--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ rows: null, losses: [{ rows: null, line: 4 }] });
  });

  it("names a run that applied nothing, and what to do", async () => {
    await using world = await openApplied();
    const { stderr, exitCode } = await undoCost(world, "run-9");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("no migration was applied by a run run-9");
    expect(stderr).toContain("tminus db status");
  });
});
