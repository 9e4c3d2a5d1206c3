import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { openMigrationWorld, up } from "./world.ts";

describe("revertMigrations", () => {
  it("runs the stored down sections of this run in reverse, without its files, and is safe to repeat", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();", "drop table a;"));
    await world.apply({ runKey: "earlier" });
    await world.write("2_b.sql", up("create table b (n int);", "drop table b;"));
    await world.write("3_c.sql", up("create view c as select n from b;", "drop view c;"));
    await world.apply();
    await rm(`${world.directory}/2_b.sql`);
    await rm(`${world.directory}/3_c.sql`);
    const outcome = await revertMigrations(world.options());
    expect(outcome).toMatchObject({ state: "reverted", reverted: [{ version: "3" }, { version: "2" }] });
    expect([await world.has("a"), await world.has("b")]).toEqual([true, false]);
    expect(await world.query("select version from tminus.migration")).toEqual([{ version: "1" }]);
    expect(await revertMigrations(world.options())).toEqual({ state: "reverted", reverted: [] });
  });

  it("undoes nothing when one of the migrations has no down section, and names it", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    await world.write("2_b.sql", up("create table b ();", "drop table b;"));
    await world.apply();
    expect(await revertMigrations(world.options())).toEqual({
      state: "refused",
      reason: "1_a.sql has no down section; nothing was undone",
    });
    expect(await world.has("b")).toBe(true);
  });

  it("undoes nothing when another run applied more on top", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();", "drop table a;"));
    await world.apply();
    await world.write("2_b.sql", up("create table b ();", "drop table b;"));
    await world.apply({ runKey: "later" });
    expect(await revertMigrations(world.options())).toMatchObject({ state: "refused" });
    expect(await world.has("a")).toBe(true);
  });

  it("keeps down section and ledger row together, names file and line, and goes on where it stopped", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();", "drop table a;"));
    await world.write("2_b.sql", up("create table b ();", "drop table b;\ndrop table missing;"));
    await world.write("3_c.sql", up("create table c ();", "drop table c;"));
    await world.apply();
    await expect(revertMigrations(world.options())).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(
        /^2_b\.sql:5: [^]*\nundone before it, and not made again: 3_c\.sql$/,
      ) as string,
      details: { file: "2_b.sql", line: 5, sqlState: "42P01" },
    });
    expect([await world.has("a"), await world.has("b"), await world.has("c")]).toEqual([true, true, false]);
    await world.query("create table missing ()");
    expect(await revertMigrations(world.options())).toMatchObject({
      reverted: [{ version: "2" }, { version: "1" }],
    });
  });

  it("refuses the token of a run that was overtaken", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();", "drop table a;"));
    await world.apply({ fence: { environment: "production", token: 1 } });
    await world.query("update tminus.fence set token = 2");
    await expect(revertMigrations(world.options())).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await world.has("a")).toBe(true);
  });

  it("makes no ledger where there is none", async () => {
    await using world = await openMigrationWorld();
    expect(await revertMigrations(world.options())).toEqual({ state: "reverted", reverted: [] });
    expect(await world.has("tminus.migration")).toBe(false);
  });
});
