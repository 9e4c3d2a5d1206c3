import { describe, expect, it } from "vitest";
import { openMigrationWorld, until, up } from "./world.ts";

/** Whether a migration waits for the table b and holds nothing of the table a. */
const WAITS_FREELY = `select from pg_locks w where not w.granted and w.relation = 'b'::regclass
  and not exists (select from pg_locks h where h.pid = w.pid and h.granted and h.relation = 'a'::regclass)`;

describe("a migration of two tables that the application locks in the other order", () => {
  it("waits for the second, once it did not get it, before it takes the first", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table a (n int); create table b (n int); insert into b values (1)");
    await world.write(
      "1_c.sql",
      up("do $$ begin execute 'alter table a add c int'; execute 'alter table b add c int'; end $$;"),
    );
    const shop = await world.other();
    await shop.query("begin; update b set n = 2");
    const applying = world.apply({ lockRetries: 1000 });
    await until(async () => (await world.query(WAITS_FREELY)).length > 0);
    await shop.query("insert into a values (1); commit");
    expect(await applying).toHaveLength(1);
    expect(world.said.some((text) => text.includes("no lock within"))).toBe(true);
  });

  it("keeps nobody from the second while it works on the first for long", async () => {
    await using world = await openMigrationWorld();
    await world.query("create table a (n int); create table b (n int); insert into a values (1)");
    await world.write(
      "1_c.sql",
      up("update a set n = 2 from pg_sleep(0.5);\ndo $$ begin execute 'alter table b add c int'; end $$;"),
    );
    const shop = await world.other();
    await shop.query("begin; insert into b values (1)");
    const applying = world.apply({ lockRetries: 1000 });
    // From the second try on it knows what it waited for.
    await until(() =>
      Promise.resolve(world.said.filter((text) => text.includes("no lock within")).length > 1),
    );
    await shop.query("commit");
    const blocked = `select from pg_stat_activity s join pg_locks h using (pid) where h.relation = 'b'::regclass
      and h.mode = 'AccessExclusiveLock' and h.granted and s.wait_event = 'PgSleep'`;
    let seen = 0;
    let isDone = false;
    void applying.finally(() => (isDone = true));
    await until(async () => {
      seen += (await world.query(blocked)).length;
      return isDone;
    });
    expect(await applying).toHaveLength(1);
    expect(seen).toBe(0);
  });
});
