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
});
