import { describe, expect, it } from "vitest";
import { hasCode } from "../../../src/errors.ts";
import { backfillSchema } from "../../../src/model/backfill.ts";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { undoBackfill } from "../../../src/postgres/backfill/undo-backfill.ts";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import { gradeUndo } from "../../../src/postgres/undo/grade.ts";
import { lossGuard } from "../../../src/postgres/undo/loss-guard.ts";
import { openMigrationWorld, type MigrationWorld } from "../migrations/world.ts";

const EXPAND = `-- tminus: up
alter table users add column email text;
create table notes (id int primary key, text text);
insert into notes values (1, 'made by the migration');
-- tminus: down
drop table notes;
alter table users drop column email;
`;

async function openExpanded(): Promise<MigrationWorld> {
  const world = await openMigrationWorld();
  await world.query("create table users (id int primary key)");
  await world.query("insert into users select generate_series(1, 100)");
  await world.write("1_expand.sql", EXPAND);
  await world.apply();
  return world;
}

describe("an undo that counts what it would lose", () => {
  it("is refused with the counts when something was written into what it would drop, and drops nothing", async () => {
    await using world = await openExpanded();
    await world.query("update users set email = 'user' || id || '@x' where id <= 41");
    await world.query("insert into notes values (2, 'a'), (3, 'b')");
    const { runKey } = world.options();
    const outcome = await revertMigrations(world.options(), lossGuard(runKey));
    expect(outcome).toMatchObject({ state: "refused" });
    const reason = outcome.state === "refused" ? outcome.reason : "";
    expect(reason).toMatch(/41\b.*users\.email/);
    expect(reason).toMatch(/2\b.*notes/);
    expect(reason).toContain("loss: allow");
    expect(await world.query("select count(email)::int as emails from users")).toEqual([{ emails: 41 }]);
    expect(await world.query("select count(*)::int as notes from notes")).toEqual([{ notes: 3 }]);
  });

  it("does not count what a backfill filled and the row still says, also when the backfill was undone", async () => {
    await using world = await openExpanded();
    const { runKey, ...rest } = world.options();
    const options = { ...rest, runKey, startedBy: "ann", progress: () => undefined };
    const set = { email: "'user' || id || '@x'" };
    const settings = backfillSchema.parse({ table: "users", set });
    await runBackfill(settings, options);
    await undoBackfill(settings, options);
    await world.query("update users set email = 'own' where id <= 3");
    const outcome = await revertMigrations(world.options(), lossGuard(runKey));
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/\b3 emails/) as string });
    await world.query("update users set email = 'user' || id || '@x'");
    expect(await revertMigrations(world.options(), lossGuard(runKey))).toMatchObject({ state: "reverted" });
  });

  it("goes on when only what the migration itself wrote would go", async () => {
    await using world = await openExpanded();
    const { runKey } = world.options();
    expect(await revertMigrations(world.options(), lossGuard(runKey))).toMatchObject({ state: "reverted" });
    expect(await world.has("notes")).toBe(false);
  });

  it.each([
    ["one transaction, renamed", "", "alter table extra rename to gone;\ndrop table gone;"],
    [
      "in pieces, renamed",
      "-- tminus: no-transaction\n",
      "alter table extra rename to gone;\ndrop table gone;",
    ],
  ])("finds what a statement drops when it is its turn: %s", async (_what, head, down) => {
    await using world = await openMigrationWorld();
    await world.write(
      "1_a.sql",
      `${head}-- tminus: up\ncreate schema app;\ncreate table app.notes (n int);\ncreate table extra (n int);\n-- tminus: down\n${down}\n`,
    );
    await world.apply();
    await world.query("insert into extra values (1), (2), (3); insert into app.notes values (1), (2), (3)");
    const { runKey } = world.options();
    const outcome: unknown = await revertMigrations(world.options(), lossGuard(runKey)).catch(
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({
      code: "MIGRATION_REFUSED",
      message: expect.stringContaining("3 rows of") as string,
    });
    expect([await world.has("extra"), await world.has("app.notes")]).toEqual([true, true]);
  });

  it("says before that what a statement renames is counted only then, and looks in the schema that a file sets", async () => {
    await using world = await openMigrationWorld();
    const down =
      "alter table extra rename to gone;\ndrop table gone;\nset search_path = app;\ndrop table notes;";
    await world.write(
      "1_a.sql",
      `-- tminus: up\ncreate schema app;\ncreate table app.notes (n int);\ncreate table extra (n int);\n-- tminus: down\n${down}\n`,
    );
    await world.apply();
    await world.query("insert into app.notes values (1), (2), (3)");
    const options = { connectionString: world.url, purpose: "look", statementTimeoutMs: 5_000 };
    const { runKey } = world.options();
    const { losses, rows, text } = await readOnly(options, (session) => gradeUndo(session, runKey));
    expect(losses.map((loss) => loss.rows)).toEqual([undefined, 3]);
    expect(rows).toBe(3);
    expect(text).toContain(
      "drops gone, which a statement before renames: counted when it is its turn (1_a.sql:7)",
    );
    expect(await revertMigrations(world.options(), lossGuard(runKey))).toMatchObject({
      reason: expect.stringMatching(
        /^undoing drops 3 rows of notes written since \S+ UTC on \S+; the schema/,
      ) as string,
    });
    await world.query("delete from app.notes");
    expect(await revertMigrations(world.options(), lossGuard(runKey))).toMatchObject({ state: "reverted" });
  });

  it("keeps its own patience when a down section takes it back", async () => {
    await using world = await openMigrationWorld();
    const down =
      "reset all;\ncreate table seen as select setting from pg_settings where name = 'lock_' || 'timeout';";
    await world.write("1_a.sql", `-- tminus: up\ncreate table a ();\n-- tminus: down\n${down}\n`);
    await world.apply();
    await revertMigrations(world.options(), lossGuard(world.options().runKey));
    expect(await world.query("select setting from seen")).toEqual([{ setting: "50" }]);
  });

  it.each([
    ["one transaction", "", ""],
    [
      "in pieces",
      "-- tminus: no-transaction\n",
      "create index concurrently users_email on users (email);\n-- tminus: down\ndrop index concurrently users_email;\n",
    ],
  ])("counts again under the lock what was written after the first count: %s", async (_what, head, more) => {
    await using world = await openMigrationWorld();
    await world.query("create table users (id int primary key)");
    await world.query("insert into users select generate_series(1, 100)");
    await world.write(
      "1_expand.sql",
      `${head}-- tminus: up\nalter table users add column email text;\n${more === "" ? "-- tminus: down\n" : more}alter table users drop column email;\n`,
    );
    await world.apply();
    const shop = await world.other();
    await shop.query("begin; update users set email = 'late' where id = 1");
    let committing: Promise<unknown> | undefined;
    const options = world.options({
      lockWaitMs: 20_000,
      lockRetries: 1000,
      progress: (text) => void (committing ??= text.startsWith("undoing") ? shop.query("commit") : undefined),
    });
    const failure: unknown = await revertMigrations(options, lossGuard(options.runKey)).catch(
      (error: unknown) => error,
    );
    await committing;
    expect(hasCode(failure, "MIGRATION_REFUSED")).toBe(true);
    expect((failure as Error).message).toMatch(/drops 1 email \(users\.email\)/);
    expect(await world.query("select email from users where id = 1")).toEqual([{ email: "late" }]);
  });
});
