import pg from "pg";
import { describe, expect, it } from "vitest";
import { turnOff, turnOn } from "../../../src/postgres/readonly/set-mode.ts";
import { readStatus, verifyMode } from "../../../src/postgres/readonly/verify.ts";
import { openSession } from "../../../src/postgres/session/connect.ts";
import { GRANTS, openWorld, TRIGGERS, type ReadOnlyWorld } from "./world.ts";

const WRITES = [
  "insert into shop.orders (item) values ('c')",
  "update shop.orders set item = 'd' where id = 1",
  "delete from shop.orders where id = 2",
  "truncate shop.orders",
  "merge into shop.orders o using (values (1)) v(id) on o.id = v.id when matched then delete",
  "insert into shop.parts values (1, '2026-05-01')",
  "insert into shop.parts_2026 values (1, '2026-05-01')",
  'delete from shop."Odd Name"',
];

const session = (world: ReadOnlyWorld) =>
  openSession({ connectionString: world.url, purpose: "test", statementTimeoutMs: 20_000 });

describe("read-only mode", () => {
  it("refuses every write of the application, the owner and the superuser, and lets all in again after it", async () => {
    await using world = await openWorld();
    const { app, owner } = world.roles;
    const before = await world.query(GRANTS);
    const rows = await world.query("select * from shop.orders order by id");
    expect(await turnOn([], world.options)).toEqual({ tables: 5, notes: [] });
    for (const write of WRITES) {
      await expect(world.query(write, app), `${write} as the application`).rejects.toThrow(
        "permission denied",
      );
      await expect(world.query(write, owner), `${write} as the owner`).rejects.toMatchObject({
        code: "25006",
      });
      await expect(world.query(write), `${write} as a superuser`).rejects.toThrow(
        "read-only for maintenance",
      );
    }
    // What default_transaction_read_only lets through.
    await expect(
      world.query("set session_replication_role = replica; begin read write; delete from shop.orders"),
    ).rejects.toThrow("read-only for maintenance");
    await world.query("rollback; reset session_replication_role");
    // The application's grants given back, the trigger alone still refuses.
    await world.query(`grant insert on shop.plain to ${app}`);
    await expect(world.query("copy shop.plain from program 'echo 1'")).rejects.toThrow("read-only");
    await expect(world.query("insert into shop.plain values (1)", app)).rejects.toThrow("read-only");
    await world.query(`revoke insert on shop.plain from ${app}`);
    expect(await world.query("select * from shop.orders order by id", app)).toEqual(rows);

    expect((await turnOff(world.options)).notes).toEqual([
      "shop.plain: its grants were changed meanwhile; those stay, and what was revoked is granted again",
    ]);
    const after = await world.query<{ relname: string }>(GRANTS);
    expect(after.filter(({ relname }) => relname !== "plain")).toEqual(
      before.filter(({ relname }) => relname !== "plain"),
    );
    expect(await world.query(TRIGGERS)).toEqual([{ there: 0 }]);
    for (const role of [app, owner, undefined])
      for (const write of WRITES) await world.query(`begin; ${write}; rollback`, role);
  });

  it("may be turned on and off again and again", async () => {
    await using world = await openWorld();
    const before = await world.query(GRANTS);
    await turnOff(world.options);
    await turnOn([], world.options);
    expect((await turnOn([], world.options)).tables).toBe(0);
    await world.query("create table shop.late (id int)");
    await using looker = await session(world);
    expect(await verifyMode(looker, "on")).toMatchObject({ verdict: "fail" });
    expect((await turnOn([], world.options)).tables).toBe(1);
    expect(await verifyMode(looker, "on")).toMatchObject({ verdict: "pass" });
    await world.query("alter table shop.plain disable trigger tminus_readonly");
    expect((await readStatus(looker)).problems).toEqual(["shop.plain has no working trigger"]);
    await world.query(`grant update on shop.orders to ${world.roles.app}; drop table shop.late`);
    expect((await turnOn([], world.options)).tables).toBe(3);
    expect(await verifyMode(looker, "on")).toMatchObject({ verdict: "pass" });
    await turnOff(world.options);
    expect((await turnOff(world.options)).tables).toBe(0);
    expect(await verifyMode(looker, "off")).toMatchObject({ verdict: "pass" });
    expect((await world.query(GRANTS)).length).toBe(before.length);
  });

  it("waits for a writer that is under way, so that nothing is written after it is on", async () => {
    await using world = await openWorld();
    const writer = new pg.Client({ connectionString: world.url });
    await writer.connect();
    await writer.query("begin; insert into shop.plain values (1)");
    const turning = turnOn([], world.options);
    const triggers = () => world.query<{ there: number }>(TRIGGERS);
    await expect.poll(async () => (await triggers())[0]!.there, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await world.query("select state from tminus.readonly")).toEqual([{ state: "turning on" }]);
    await writer.query("commit");
    await writer.end();
    await turning;
    await turnOff(world.options);
  });

  it("restores the grants of a copy, where every table has another oid, and of a table that was renamed", async () => {
    await using world = await openWorld();
    const before = await world.query(GRANTS);
    await turnOn([], world.options);
    await world.query("update tminus.readonly_table set oid = oid::int8 + 1000000");
    await using looker = await session(world);
    expect(await readStatus(looker)).toMatchObject({ state: "on", problems: [] });
    expect((await turnOff(world.options)).notes).toEqual([]);
    expect(await world.query(GRANTS)).toEqual(before);

    await turnOn([], world.options);
    await world.query("alter table shop.orders rename to sales; create table shop.orders (id int)");
    expect((await turnOff(world.options)).notes).toEqual([]);
    await world.query("drop table shop.orders; alter table shop.sales rename to orders");
    expect(await world.query(GRANTS)).toEqual(before);
  });

  it("leaves schemas out by name alone, and says which tables it cannot have", async () => {
    await using world = await openWorld();
    await world.query("create schema auth; create table auth.users (id int)");
    await turnOn([], world.options);
    await expect(world.query("insert into auth.users values (1)")).rejects.toThrow("read-only");
    await turnOn(["auth"], world.options);
    await world.query("insert into auth.users values (1)");
    await turnOff(world.options);
    await world.query(
      `grant create on database ${new URL(world.url).pathname.slice(1)} to ${world.roles.owner}`,
    );
    await world.query(`alter role ${world.roles.owner} login`);
    const url = new URL(world.url);
    url.username = world.roles.owner;
    await expect(turnOn([], { ...world.options, connectionString: url.href })).rejects.toMatchObject({
      code: "READONLY_REFUSED",
    });
    expect(await world.query(TRIGGERS)).toEqual([{ there: 0 }]);
  });
});
