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
