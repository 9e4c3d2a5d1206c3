import { describe, expect, it } from "vitest";
import { openMigrationWorld, until, up } from "./world.ts";

describe("a file that is one message", () => {
  it("does not let the settings of one file reach the next", async () => {
    await using world = await openMigrationWorld();
    await world.write(
      "1_a.sql",
      up("create schema app;\nset search_path = app;\nset lock_timeout = 0;\ncreate table a ();"),
    );
    await world.write("2_b.sql", up("create table b ();"));
    await world.apply();
    expect([await world.has("app.a"), await world.has("public.b")]).toEqual([true, true]);
  });

  it("reads a file by its own settings, not by those of the file before it", async () => {
    await using world = await openMigrationWorld();
    await world.write(
      "1_a.sql",
      up("create table a (b text);\nselect set_config('standard_conforming_strings', 'off', false);"),
    );
    await world.write("2_b.sql", up("insert into a values ('\\');"));
    await world.apply();
    expect(await world.query("select b from a")).toEqual([{ b: "\\" }]);
  });

  it("keeps every protection when a file takes away what its session prepared", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();\ndeallocate all;"));
    await world.write("2_b.sql", up("alter table a add column b text;"));
    expect(await world.apply()).toMatchObject([{ version: "1" }, { version: "2" }]);
    await world.write("3_c.sql", up("deallocate all;\ncreate table c ();"));
    await world.query("update tminus.fence set token = 9");
    await expect(world.apply()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await world.has("c")).toBe(false);
  });

  it("looks again at who holds a table when a file took away what its session prepared", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table a (n int); create table b (n int)");
    await world.write("1_a.sql", up("alter table a add m int;\ndeallocate all;"));
    await world.write("2_b.sql", up("alter table b add m int;"));
    const [first, second] = [await world.other(), await world.other()];
    await first.query("begin; insert into a values (1)");
    await second.query("begin; insert into b values (1)");
    const applying = world.apply({ lockWaitMs: 20_000 });
    await until(() => Promise.resolve(world.said.some((text) => text.includes("1_a.sql: waiting"))));
    await first.query("commit");
    await until(() => Promise.resolve(world.said.some((text) => text.includes("2_b.sql: waiting"))));
    await second.query("commit");
    expect(await applying).toHaveLength(2);
  });

  it("runs a file of so many statements that their time limits are together longer than a timer can be", async () => {
    await using world = await openMigrationWorld();
    const rows = Array.from({ length: 30 }, (_, index) => `insert into a values (${index});`);
    await world.write("1_a.sql", up(`create table a (n int);\nselect pg_sleep(0.1);\n${rows.join("\n")}`));
    await world.apply({ statementTimeoutMs: 86_400_000, reconnects: 0 });
    expect(await world.query("select count(*)::int as rows from a")).toEqual([{ rows: 30 }]);
  });

  it("changes nothing in a database that reads strings in another way than files are split", async () => {
    await using world = await openMigrationWorld();
    await world.query(
      "do $$ begin execute format('alter database %I set standard_conforming_strings = off', current_database()); end $$",
    );
    await world.write("1_a.sql", up("create table a ();"));
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_REFUSED",
      hint: expect.stringContaining("SET standard_conforming_strings = on") as string,
    });
    expect(await world.has("a")).toBe(false);
  });
});
