import { describe, expect, it } from "vitest";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { openMigrationWorld, until, up, type MigrationWorld } from "./world.ts";

const CREATE =
  "-- tminus: no-transaction\n-- tminus: up\ncreate unique index concurrently t_a on t (a);\n-- tminus: down\ndrop index concurrently t_a;\n";

async function validity(world: MigrationWorld, index = "t_a"): Promise<boolean | undefined> {
  const rows = await world.query<{ valid: boolean }>(
    "select indisvalid as valid from pg_index where indexrelid = to_regclass($1)",
    [index],
  );
  return rows[0]?.valid;
}

/** Ends the session that builds the index, in the middle: it waits for the old transaction. */
async function killBuilder(world: MigrationWorld, index = "t_a"): Promise<void> {
  await until(async () => (await validity(world, index)) === false);
  await until(async () => {
    await world.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'create %index concurrently%' and pid <> pg_backend_pid()",
    );
    const left = await world.query(
      "select 1 from pg_stat_activity where datname = current_database() and query like 'create %index concurrently%' and pid <> pg_backend_pid()",
    );
    return left.length === 0;
  });
}

describe("migrations outside a transaction", () => {
  it("builds an index concurrently, records it, and takes it away again", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_a.sql", CREATE);
    expect(await world.apply()).toMatchObject([{ version: "1", transactional: false }]);
    expect(await validity(world)).toBe(true);
    expect(await revertMigrations(world.options())).toMatchObject({
      state: "reverted",
      reverted: [{ version: "1" }],
    });
    expect(await validity(world)).toBeUndefined();
    expect(await world.query("select 1 from tminus.migration_statement")).toEqual([]);
  });

  it("writes its journal as itself when the file goes on as another role", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table a (n int)");
    await world.write(
      "1_a.sql",
      `-- tminus: no-transaction\n${up("create index concurrently a_n on a (n);\nset role pg_monitor;\nselect 1;", "drop index concurrently a_n;\nset role pg_monitor;\nselect 1;")}`,
    );
    expect(await world.apply()).toHaveLength(1);
    const guard = { beforeStatement: () => Promise.resolve() };
    expect(await revertMigrations(world.options(), guard)).toMatchObject({ state: "reverted" });
    expect(await world.has("a_n")).toBe(false);
  });

  it("drops the invalid index that a killed attempt left before it builds it anew", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int); insert into t values (1)");
    await world.write("1_a.sql", CREATE);
    const old = await world.other();
    await old.query("begin; update t set a = 2");
    const outcome = expect(world.apply({ reconnects: 0 })).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
    await killBuilder(world);
    await outcome;
    expect(await validity(world)).toBe(false);
    await old.query("commit");
    expect(await world.apply()).toHaveLength(1);
    expect(world.said.some((text) => text.includes("dropping the invalid index public.t_a"))).toBe(true);
    expect(await validity(world)).toBe(true);
  });

  it("leaves no invalid index when the statement fails, and succeeds when the cause is gone", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int); insert into t values (1), (1)");
    await world.write("1_a.sql", CREATE);
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      details: { sqlState: "23505", line: 3 },
    });
    expect(await validity(world)).toBeUndefined();
    await world.query("delete from t");
    expect(await world.apply()).toHaveLength(1);
  });

  it("neither adopts nor drops an index of the same name that it did not begin", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int); create index t_a on t (a)");
    await world.write("1_a.sql", CREATE);
    for (const _attempt of [1, 2]) {
      await expect(world.apply()).rejects.toMatchObject({
        code: "MIGRATION_FAILED",
        message: "1_a.sql:3: an index of this name exists already",
      });
    }
    expect(await validity(world)).toBe(true);
    expect(await world.query("select 1 from tminus.migration")).toEqual([]);
  });

  it("adopts the index that an attempt finished but did not record", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_a.sql", CREATE);
    const [row] = await world.apply();
    await world.query("delete from tminus.migration");
    await world.query(
      `insert into tminus.migration_statement (version, direction, position, sql, state, evidence, run_key, fence_token)
       select '1', 'up', 0, 'create unique index concurrently t_a on t (a)', 'begun', jsonb_build_object('table', 't'::regclass::oid::int8, 'before', '[]'::jsonb), 'x', 1`,
    );
    const before = await world.query("select to_regclass('t_a')::oid::int as oid");
    expect(await world.apply()).toMatchObject([{ version: row!.version }]);
    expect(await world.query("select to_regclass('t_a')::oid::int as oid")).toEqual(before);
  });

  it.each([
    ["is there, invalid,", ""],
    ["was dropped by hand", "drop index t_lower_idx;"],
  ])(
    "tells an index without a name from others by its definition when it %s after a kill",
    async (_what, sql) => {
      await using world = await openMigrationWorld();
      await world.query("create table t (a int, b varchar); insert into t values (1)");
      await world.write(
        "1_a.sql",
        "-- tminus: no-transaction\n-- tminus: up\ncreate index concurrently on t (lower(b)) where a > 0;\n",
      );
      const old = await world.other();
      await old.query("begin; update t set a = 2");
      const outcome = expect(world.apply({ reconnects: 0 })).rejects.toMatchObject({
        code: "DATABASE_UNREACHABLE",
      });
      await killBuilder(world, "t_lower_idx");
      await outcome;
      await old.query("commit");
      await world.query(`${sql} create index other on t (upper(b)) where a > 0`);
      expect(await world.apply()).toHaveLength(1);
      expect([await validity(world, "t_lower_idx"), await validity(world, "other")]).toEqual([true, true]);
      expect(await world.query("select from pg_index where indrelid = 't'::regclass")).toHaveLength(2);
    },
  );

  it("says what took effect of a file that stopped half-way, and how to go on, and undoes the rest of it after that", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int); insert into t values (1), (1)");
    await world.write(
      "1_a.sql",
      CREATE.replace(
        "-- tminus: up",
        "-- tminus: up\nset work_mem = '8MB';\ncreate table x ();\nreindex index concurrently t_id;\nvacuum t;",
      ),
    );
    await world.query("create index t_id on t (a)");
    await expect(world.apply()).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    const outcome = await revertMigrations(world.options());
    const reason = outcome.state === "refused" ? outcome.reason : "";
    const byHand = /^ {2}delete from .*$/m.exec(reason)?.[0] ?? "";
    expect(reason).toContain("alone:\n  statement 2: create table x ()\nDeploy the same files again");
    await world.query(`drop table x; ${byHand}`);
    expect(await revertMigrations(world.options())).toMatchObject({ state: "reverted", reverted: [] });
    expect(await world.query("select from tminus.migration_statement")).toEqual([]);
  });

  it("takes away what an interrupted attempt began when it is reverted", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int); insert into t values (1)");
    await world.write("1_a.sql", CREATE);
    const old = await world.other();
    await old.query("begin; update t set a = 2");
    const outcome = expect(world.apply({ reconnects: 0 })).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
    await killBuilder(world);
    await outcome;
    await old.query("commit");
    expect(await revertMigrations(world.options())).toMatchObject({ state: "reverted", reverted: [] });
    expect(await validity(world)).toBeUndefined();
  });
});
