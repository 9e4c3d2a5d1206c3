import { describe, expect, it } from "vitest";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { openWorld, settingsOf, WRONG } from "./world.ts";

describe("runBackfill", () => {
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
