import pg from "pg";
import { describe, expect, it } from "vitest";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { undoBackfill } from "../../../src/postgres/backfill/undo-backfill.ts";
import { withBackfillSession } from "../../../src/postgres/backfill/with-backfill-session.ts";
import { openWorld, settingsOf, WRONG } from "./world.ts";

describe("a transaction pooler", () => {
  it("is refused before a setting is sent to it", async () => {
    await using world = await openWorld(1);
    const connectionString = "postgresql://postgres@aws-0-eu.pooler.supabase.com:6543/postgres";
    const working = withBackfillSession(
      { title: "users", searchPath: "public" },
      world.options({ connectionString, reconnects: 0 }),
      async () => "worked",
    );
    await expect(working).rejects.toMatchObject({ code: "DATABASE_POOLED" });
  });
});

describe("undoBackfill", () => {
  it("does not say that the columns are gone when their values cannot be taken back", async () => {
    await using world = await openWorld(100);
    const settings = settingsOf({ undo: "set null" });
    await runBackfill(settings, world.options());
    await world.query("alter table users alter column handle set not null");
    await expect(undoBackfill(settings, world.options())).rejects.toMatchObject({
      code: "BACKFILL_FAILED",
      message: expect.stringContaining("handle is NOT NULL") as string,
    });
    await world.query("alter table users drop column handle");
    expect(await undoBackfill(settings, world.options())).toMatchObject({
      rows: 0,
      reason: "the trigger is gone; the columns are not there any more",
    });
  });
});

describe("runBackfill", () => {
  it("works with row security off, so that hidden rows of other tables are refused and not taken for missing", async () => {
    await using world = await openWorld(100);
    const settings = settingsOf({
      set: { handle: "current_setting('row_security')" },
      where: "handle is null",
    });
    await runBackfill(settings, world.options());
    expect(await world.query("select distinct handle from users")).toEqual([{ handle: "off" }]);
  });

  it("keeps row security off in the trigger, too, whoever writes", async () => {
    await using world = await openWorld(1);
    const settings = settingsOf({
      set: { handle: "current_setting('row_security')" },
      where: "handle is null",
      trigger: "keep",
    });
    await runBackfill(settings, world.options());
    await world.query("insert into users (id, email) values (0, 'new')");
    expect(await world.query("select handle from users where id = 0")).toEqual([{ handle: "off" }]);
  });

  it("is refused when another table that an expression reads hides rows from the role", async () => {
    await using world = await openWorld(1);
    const role = await world.makeOwner("users");
    await world.query(
      `create table names (id bigint, name text); alter table names enable row level security; grant select on names to ${role}`,
    );
    const settings = settingsOf({ set: { handle: "(select name from names where names.id = users.id)" } });
    const working = runBackfill(settings, world.options({ connectionString: world.urlOf(role) }));
    await expect(working).rejects.toMatchObject({
      code: "BACKFILL_REFUSED",
      message: expect.stringContaining("row-level security") as string,
    });
  });

  it("does not take a replica that the role may not see for one that is caught up", async () => {
    await using world = await openWorld(1);
    const connectionString = world.urlOf(await world.makeOwner("users"));
    // Shown in pg_stat_replication like a standby.
    const standby = new pg.Client({
      connectionString: world.url,
      replication: "database",
    } as pg.ClientConfig);
    await standby.connect();
    try {
      await expect(runBackfill(settingsOf(), world.options({ connectionString }))).rejects.toMatchObject({
        code: "BACKFILL_REFUSED",
        message: "the role may not see how far 1 replicas are behind",
      });
      const report = await runBackfill(
        settingsOf({ unseenReplicas: "ignore" }),
        world.options({ connectionString }),
      );
      expect(report.rows).toBe(1);
      expect((await runBackfill(settingsOf({ where: "true" }), world.options())).sweeps).toBe(0);
    } finally {
      await standby.end();
    }
  });

  it("fails when the trigger is off in one partition, where rows may have been missed", async () => {
    await using world = await openWorld(1);
    await world.query(
      `create table parts (id int, email text, handle text) partition by list (id);
       create table parts_1 partition of parts for values in (1);
       create table parts_2 partition of parts for values in (2);
       insert into parts select 1 + n % 2, 'A' from generate_series(1, 1000) n;
       create function tamper() returns trigger language plpgsql as
         'begin alter table parts_2 disable trigger user; return null; end';
       create trigger tamper after update on parts_1 for each statement execute function tamper()`,
    );
    const working = runBackfill(settingsOf({ table: "parts" }), world.options());
    await expect(working).rejects.toMatchObject({
      code: "BACKFILL_FAILED",
      message: expect.stringContaining("removed or disabled") as string,
    });
  });

  it("fills every row once and leaves no trigger behind", async () => {
    await using world = await openWorld();
    const report = await runBackfill(settingsOf(), world.options());
    expect(report).toEqual({ rows: 2_000, sweeps: 0, trigger: "drop" });
    expect(await world.query(WRONG)).toEqual([{ wrong: 0 }]);
    expect(await world.query("select tgname from pg_trigger where not tgisinternal")).toEqual([]);
    expect(
      await world.query("select proname from pg_proc where pronamespace = 'tminus'::regnamespace"),
    ).toEqual([]);
    expect(await world.query("select state, rows::int as rows from tminus.backfill")).toEqual([
      { state: "done", rows: 2_000 },
    ]);
    expect((await runBackfill(settingsOf(), world.options())).rows).toBe(0);
  });

  it("is one backfill, whether the table is written with its schema or without", async () => {
    await using world = await openWorld(10);
    const { set } = settingsOf();
    await runBackfill(settingsOf({ trigger: "keep" }), world.options());
    await runBackfill(settingsOf({ table: "public.users", trigger: "keep" }), world.options());
    expect(await world.query("select title from tminus.backfill")).toEqual([{ title: "public.users" }]);
    expect(
      await world.query("select count(*)::int as triggers from pg_trigger where not tgisinternal"),
    ).toEqual([{ triggers: 1 }]);
    await world.query("drop table users");
    const undone = await undoBackfill(settingsOf({ table: "users", set }), world.options());
    expect(undone.reason).toContain("the trigger is gone");
    expect(await world.query("select from tminus.backfill")).toEqual([]);
  });

  it("gives up when a trigger of the application takes the values away again, however many rows there are", async () => {
    await using world = await openWorld();
    await world.query(
      `create function revert() returns trigger language plpgsql as 'begin new.handle := null; return new; end';
       create trigger zz_revert before update on users for each row execute function revert()`,
    );
    const filling = runBackfill(settingsOf(), world.options());
    await expect(filling).rejects.toMatchObject({
      code: "BACKFILL_FAILED",
      message: expect.stringContaining("after 5 sweeps there were still") as string,
    });
  });
});
