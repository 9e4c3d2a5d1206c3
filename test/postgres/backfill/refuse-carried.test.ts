import { describe, expect, it } from "vitest";
import { hasCode } from "../../../src/errors.ts";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { undoBackfill } from "../../../src/postgres/backfill/undo-backfill.ts";
import { openWorld, settingsOf } from "./world.ts";

/** Keeps two columns equal, whichever is written: as while a column is renamed. */
const SYNC = `
  alter table users add column phone text, add column mobile text;
  update users set phone = '+' || id;
  create function sync() returns trigger language plpgsql as $$ begin
    if new.mobile is distinct from old.mobile then new.phone := new.mobile;
    elsif new.phone is distinct from old.phone then new.mobile := new.phone; end if;
    return new; end $$;
  create trigger sync before update on users for each row execute function sync()`;

describe("an undo that sets to null", () => {
  it("is refused when a trigger would carry the null into another column, which keeps its values", async () => {
    await using world = await openWorld(300);
    await world.query(SYNC);
    const settings = settingsOf({
      set: { mobile: "phone" },
      where: "mobile is distinct from phone",
      undo: "set null",
    });
    await runBackfill(settings, world.options());
    const failure: unknown = await undoBackfill(settings, world.options()).catch((error: unknown) => error);
    expect(hasCode(failure, "BACKFILL_FAILED")).toBe(true);
    expect((failure as Error).message).toContain("would carry the null into phone");
    expect(await world.query("select count(phone)::int as phones from users")).toEqual([{ phones: 300 }]);
  });
});
