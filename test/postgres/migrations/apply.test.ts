import { rename } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { openCuttingProxy } from "./cutting-proxy.ts";
import { isMigrationWaiting, openMigrationWorld, until, up } from "./world.ts";

describe("applyMigrations", () => {
  it("applies what is pending in order, once, and keeps what a rollback needs", async () => {
    await using world = await openMigrationWorld();
    await world.write("2_b.sql", up("alter table t add column b text;", "alter table t drop column b;"));
    await world.write("1_a.sql", up("create table t (a int);\ninsert into t values (1);"));
    const rows = await world.apply();
    expect(rows.map(({ version, name, runKey }) => [version, name, runKey])).toEqual([
      ["1", "a", "run-1/migrate"],
      ["2", "b", "run-1/migrate"],
    ]);
    expect(rows[1]).toMatchObject({
      downSql: "alter table t drop column b;\n\n",
      downLine: 4,
      transactional: true,
    });
    expect(await world.apply()).toEqual(rows);
    expect(await world.apply({ runKey: "run-2/migrate" })).toEqual([]);
    expect(await world.query("select a, b from t")).toEqual([{ a: 1, b: null }]);
    expect(await world.query("select applied_by, fence_token::int as token from tminus.migration")).toEqual([
      { applied_by: "ann", token: 1 },
      { applied_by: "ann", token: 1 },
    ]);
  });

  it("refuses an edited, a missing and an out-of-order file by name and applies nothing", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    await world.write("3_c.sql", up("create table c ();"));
    await world.apply();
    await world.write("1_a.sql", up("create table a2 ();"));
    await rename(`${world.directory}/3_c.sql`, `${world.directory}/2_b.sql`);
    await world.write("4_d.sql", up("create table d ();"));
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_REFUSED",
      details: {
        problems: [
          { kind: "edited", file: "1_a.sql" },
          { kind: "missing", file: "3_c.sql" },
          { kind: "out-of-order", file: "2_b.sql" },
        ],
      },
    });
    expect(await world.has("d")).toBe(false);
  });

  it("names file and line of the statement that failed, and leaves nothing of its file", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    await world.write(
      "2_b.sql",
      up("create table b ();\n\n-- wrong: 'ü'\ninsert into b\n  select '😀😀',\n  nothing from a;"),
    );
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining('2_b.sql:7: column "nothing" does not exist (42703)') as string,
      details: { file: "2_b.sql", line: 7, sqlState: "42703" },
    });
    expect(await world.has("b")).toBe(false);
    expect(await world.query("select version from tminus.migration")).toEqual([{ version: "1" }]);
  });

  it("reports what the database refuses at the commit as a failure of that file", async () => {
    await using world = await openMigrationWorld();
    await world.write(
      "1_a.sql",
      up(
        "create table a (n int primary key);\ncreate table b (n int references a deferrable initially deferred);\ninsert into b values (1);",
      ),
    );
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      details: { sqlState: "23503" },
    });
    expect(await world.has("a")).toBe(false);
  });

  it("keeps statements and ledger row together when the session is killed between them", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();\nselect pg_sleep(30);"));
    const applying = world.apply({ reconnects: 0 });
    const outcome = expect(applying).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    await until(async () => {
      const killed = await world.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()",
      );
      return killed.length > 0;
    });
    await outcome;
    expect(await world.has("a")).toBe(false);
    expect(await world.query("select 1 from tminus.migration")).toEqual([]);
  });

  it("connects again after a lost connection and goes on by the ledger", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    await world.write(
      "2_b.sql",
      up(
        "create table b ();\nselect case when nextval('lost') = 1 then pg_terminate_backend(pg_backend_pid()) end;",
      ),
    );
    await world.query("create sequence lost");
    const rows = await world.apply();
    expect(rows.map(({ version }) => version)).toEqual(["1", "2"]);
    expect(world.said.filter((text) => text.includes("connecting again"))).toHaveLength(1);
  });

  it.each(["before", "after"] as const)(
    "looks at the ledger when the connection is lost %s the server committed",
    async (when) => {
      await using world = await openMigrationWorld();
      await using proxy = await openCuttingProxy(world.url, when);
      await world.query("create sequence runs");
      await world.write("1_a.sql", up("create table a ();\nselect nextval('runs');"));
      expect(await world.apply({ connectionString: proxy.url })).toMatchObject([{ version: "1" }]);
      expect(proxy.cuts()).toBe(1);
      expect(await world.query("select last_value::int as runs from runs")).toEqual([{ runs: 1 }]);
      expect(await world.has("a")).toBe(true);
    },
  );

  it("does not say what became of a commit when the database stays away", async () => {
    await using world = await openMigrationWorld();
    await using proxy = await openCuttingProxy(world.url, "after");
    await world.write("1_a.sql", up("create table a ();"));
    const options = { connectionString: proxy.url, reconnects: 0 };
    await expect(world.apply(options)).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(await world.apply()).toMatchObject([{ version: "1" }]);
  });

  it("cancels the statement in the server when it is aborted, and leaves nothing behind", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();\nselect pg_sleep(60);"));
    const stopping = new AbortController();
    const outcome = expect(world.apply({ signal: stopping.signal })).rejects.toThrow("stop it");
    await until(async () => {
      const found = await world.query(
        "select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active'",
      );
      return found.length > 0;
    });
    stopping.abort(new Error("stop it"));
    await outcome;
    expect(await world.has("a")).toBe(false);
    await until(async () => {
      const left = await world.query(
        "select 1 from pg_stat_activity where application_name like 'tminus migrate%'  and datname = current_database()",
      );
      return left.length === 0;
    });
  });

  it("refuses the token of a run that was overtaken, inside the transaction", async () => {
    await using world = await openMigrationWorld();
    await world.apply({ fence: { environment: "production", token: 5 } });
    await world.write("1_a.sql", up("create table a ();"));
    await world.query("create schema if not exists tminus");
    await world.query("insert into tminus.fence values ('production', 6)");
    const old = { fence: { environment: "production", token: 5 } };
    await expect(world.apply(old)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await world.has("a")).toBe(false);
    await world.apply({ fence: { environment: "production", token: 7 } });
    expect(await world.has("a")).toBe(true);
    expect(await world.query("select token::int as token from tminus.fence")).toEqual([{ token: 7 }]);
  });

  it("applies each file once when two runs apply at the same time", async () => {
    await using world = await openMigrationWorld();
    for (let n = 1; n <= 5; n++)
      await world.write(`${n}_t.sql`, up(`create table t${n} ();\nselect pg_sleep(0.02);`));
    const [first, second] = await Promise.all([
      world.apply({ runKey: "one" }),
      world.apply({ runKey: "two", fence: { environment: "staging", token: 1 } }),
    ]);
    expect([...first, ...second].map(({ version }) => version).sort()).toEqual(["1", "2", "3", "4", "5"]);
    expect(await world.query("select version from tminus.migration order by version")).toHaveLength(5);
  });

  it("sees that a file is needless when another run gets past every lock and applies it first", async () => {
    await using world = await openMigrationWorld();
    await world.apply();
    await world.write("1_a.sql", up("create table a ();"));
    const other = await world.other();
    await other.query("begin; create table a ()");
    await other.query(
      "insert into tminus.migration (version, name, checksum, duration_ms, applied_by, run_key, fence_token, transactional) values ('1', 'a', '', 0, 'bob', 'other', 1, true)",
    );
    const applying = world.apply({ lockTimeoutMs: 5_000, lockRetries: 20 });
    await until(() => isMigrationWaiting(world));
    await other.query("commit");
    expect(await applying).toEqual([]);
  });
});

describe("applyMigrations under contention", () => {
  it("looks until whoever holds the table has left, and never waits in the queue for it", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_b.sql", up("alter table t add column b text;"));
    const blocker = await world.other();
    await blocker.query("begin; select * from t");
    await until(async () => {
      const old = await world.query(
        "select from pg_stat_activity where datname = current_database() and state = 'idle in transaction' and clock_timestamp() - xact_start > '100 ms'",
      );
      return old.length > 0;
    });
    const applying = world.apply({ lockWaitMs: 20_000 });
    await until(() =>
      Promise.resolve(
        world.said.some((text) => text.startsWith("1_b.sql: waiting until its locks are free, held by pid")),
      ),
    );
    expect(await isMigrationWaiting(world)).toBe(false);
    await blocker.query("commit");
    expect(await applying).toHaveLength(1);
    expect(world.said.some((text) => text.includes("(shop), idle in transaction"))).toBe(true);
    expect(world.said.some((text) => text.includes("no lock within"))).toBe(false);
  });

  it("gives up its place quickly when a lock does not come that it could not foresee", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_b.sql", up("do $$ begin execute 'alter table t add column b text'; end $$;"));
    const blocker = await world.other();
    await blocker.query("begin; select * from t");
    const applying = world.apply({ lockRetries: 1000 });
    await until(() =>
      Promise.resolve(world.said.filter((text) => text.includes("no lock within")).length >= 3),
    );
    await blocker.query("commit");
    expect(await applying).toHaveLength(1);
    expect(world.said.some((text) => text.includes("(shop), idle in transaction"))).toBe(true);
  });

  it.each([
    ["was seen before", "alter table t add column b text;", /held for \d+ s by/],
    [
      "was not foreseen",
      "do $$ begin execute 'alter table t add column b text'; end $$;",
      /could not get its lock in 3 tries:/,
    ],
  ])("names who blocks when the lock does not come that %s", async (_what, sql, expected) => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_b.sql", up(`create table before ();\n${sql}`));
    const blocker = await world.other();
    const { rows } = await blocker.query<{ pid: number }>("select pg_backend_pid() as pid");
    await blocker.query("begin");
    await blocker.query("select count(*) from t");
    const failure: unknown = await world.apply({ lockRetries: 3 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "MIGRATION_LOCKED" });
    expect((failure as Error).message).toMatch(expected);
    expect((failure as Error).message).toMatch(
      new RegExp(`pid ${rows[0]!.pid} \\(shop\\), idle in transaction, for \\d+ s: select count`),
    );
    expect(await world.has("before")).toBe(false);
    await blocker.query("rollback");
  });

  it("ends a session that idles in its transaction and stands in the way, when that is allowed", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_b.sql", up("alter table t add column b text;"));
    const blocker = await world.other();
    await blocker.query("begin; select * from t");
    expect(await world.apply({ lockWaitMs: 20_000, endIdleBlockersAfterMs: 200 })).toHaveLength(1);
    expect(world.said.some((text) => text.startsWith("1_b.sql: ended pid"))).toBe(true);
  });

  it("never ends a session that works", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write("1_b.sql", up("alter table t add column b text;"));
    const busy = await world.other();
    const working = busy.query("select count(*), pg_sleep(1.2) from t");
    await until(async () => {
      const found = await world.query("select from pg_locks where relation = 't'::regclass");
      return found.length > 0;
    });
    await expect(world.apply({ lockWaitMs: 400, endIdleBlockersAfterMs: 1 })).rejects.toMatchObject({
      code: "MIGRATION_LOCKED",
    });
    await expect(working).resolves.toBeDefined();
  });

  it("waits for the end of a dump before it begins, and names it when it does not end", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    const dump = await world.other();
    await dump.query("set application_name = pg_dump; begin isolation level repeatable read; select 1");
    await expect(world.apply()).rejects.toMatchObject({
      code: "MIGRATION_LOCKED",
      message: expect.stringContaining("(pg_dump), idle in transaction") as string,
    });
    expect(await world.has("a")).toBe(false);
    await dump.query("commit");
    expect(await world.apply()).toHaveLength(1);
  });

  it("keeps its own patience when a file sets another", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table t (a int)");
    await world.write(
      "1_b.sql",
      up("set local lock_timeout = 0;\ndo $$ begin execute 'alter table t add column b text'; end $$;"),
    );
    const blocker = await world.other();
    await blocker.query("begin; select * from t");
    await expect(world.apply({ lockRetries: 1 })).rejects.toMatchObject({ code: "MIGRATION_LOCKED" });
    await blocker.query("rollback");
  });

  it("waits for another session that migrates, and says whom it waits for", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    const other = await world.other();
    await other.query("select pg_advisory_lock($1, 1)", [0x746d696e]);
    const applying = world.apply();
    await until(() =>
      Promise.resolve(world.said.some((text) => text.includes("waiting for another migration"))),
    );
    expect(world.said.join()).toContain("(shop)");
    await other.query("select pg_advisory_unlock_all()");
    expect(await applying).toHaveLength(1);
  });
});

describe("applyMigrations after a killed attempt", () => {
  it("ends what that attempt left working in the server, when that is allowed", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();"));
    const orphan = await world.other();
    await orphan.query("set application_name = 'tminus migrate run-1/migrate'");
    await orphan.query("select pg_advisory_lock($1, 1)", [0x746d696e]);
    expect(await world.apply({ endOrphan: true })).toHaveLength(1);
    expect(
      world.said.some((text) => /^ended pid \d+, which an earlier attempt left working/.test(text)),
    ).toBe(true);
  });
});

describe("applyMigrations against a database that is away", () => {
  it("says that it could not be found out, without the password", async () => {
    await using world = await openMigrationWorld();
    const connectionString = "postgresql://ann:secret-word@127.0.0.1:1/shop";
    const failure: unknown = await world
      .apply({ connectionString, reconnects: 1, clock: systemClock })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect((failure as Error).message).toContain("127.0.0.1:1/shop");
    expect((failure as Error).message).not.toContain("secret-word");
  });
});
