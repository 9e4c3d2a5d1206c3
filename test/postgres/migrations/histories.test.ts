import { describe, expect, it } from "vitest";
import { readFingerprint, type Fingerprint } from "../../../src/postgres/drift/fingerprint.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import type { HistoryFormat } from "../../../src/postgres/migrations/migration.ts";
import { discoverHistory } from "../../../src/postgres/migrations/read-history.ts";
import { revertMigrations } from "../../../src/postgres/migrations/revert.ts";
import { historyEntries, historySetup, layOutHistory } from "../../support/histories.ts";
import { openMigrationWorld, type MigrationWorld } from "./world.ts";

const look = (world: MigrationWorld): Promise<Fingerprint> => readFingerprint(world);

/** What stands in one and not in the other, for the message of a failure. */
function difference(a: Fingerprint, b: Fingerprint): string[] {
  const lines = ({ objects }: Fingerprint): Set<string> =>
    new Set(
      objects.map(({ kind, identity, definition }) => `${kind} ${identity} ${JSON.stringify(definition)}`),
    );
  const [first, second] = [lines(a), lines(b)];
  return [
    ...[...first].filter((line) => !second.has(line)).map((line) => `- ${line}`),
    ...[...second].filter((line) => !first.has(line)).map((line) => `+ ${line}`),
  ];
}

describe("a history of more than a hundred migrations", () => {
  it("native: applied file by file, undone file by file to equal catalogs, and applied again", async () => {
    await using world = await openMigrationWorld();
    await world.query(historySetup);
    const { migrations } = await discoverHistory(await layOutHistory("native", world.directory));
    expect(migrations.length).toBeGreaterThanOrEqual(100);

    const before: Fingerprint[] = [];
    for (const [index, { version }] of migrations.entries()) {
      before.push(await look(world));
      await applyMigrations(migrations.slice(0, index + 1), world.options({ runKey: version }));
    }
    const applied = await look(world);
    expect(applied.objects.length).toBeGreaterThan(500);
    for (const { version, file } of migrations.toReversed()) {
      const outcome = await revertMigrations(world.options({ runKey: version }));
      expect([file, outcome.state]).toEqual([file, "reverted"]);
      expect([file, ...difference(before.pop()!, await look(world))]).toEqual([file]);
    }
    await applyMigrations(migrations, world.options({ runKey: "again" }));
    expect(difference(applied, await look(world))).toEqual([]);
  });

  it("Supabase's: applied, undone from supabase/down with its table's rows, and applied again", async () => {
    await using world = await openMigrationWorld();
    await world.query(historySetup);
    const empty = await look(world);
    const { applied, ran } = await applyAll(world, "supabase");
    expect(await rowsOf(world, "supabase_migrations.schema_migrations")).toBe(ran);
    expect(await revertMigrations(world.options({ format: "supabase" }))).toMatchObject({
      state: "reverted",
    });
    expect(difference(empty, await look(world))).toEqual([]);
    expect(await rowsOf(world, "supabase_migrations.schema_migrations")).toBe(0);
    expect(difference(applied, (await applyAll(world, "supabase")).applied)).toEqual([]);
  });

  it("Prisma's: applied, its undo refused for want of down.sql, and applied to the same elsewhere", async () => {
    await using world = await openMigrationWorld();
    const { applied, ran } = await applyAll(world, "prisma");
    expect(await rowsOf(world, "_prisma_migrations")).toBe(ran);
    const refused = await revertMigrations(world.options({ format: "prisma" }));
    expect(refused).toMatchObject({
      state: "refused",
      reason: expect.stringContaining("has no down section"),
    });
    expect(difference(applied, await look(world))).toEqual([]);
    await using other = await openMigrationWorld();
    expect(difference(applied, (await applyAll(other, "prisma")).applied)).toEqual([]);
  });
});

async function applyAll(
  world: MigrationWorld,
  format: HistoryFormat,
): Promise<{ applied: Fingerprint; ran: number }> {
  const directory = await layOutHistory(format, world.directory);
  const found = await discoverHistory(directory);
  expect(found.format).toBe(format);
  const rows = await applyMigrations(found.migrations, world.options({ format }));
  expect(rows.length).toBe(historyEntries(format).length);
  expect(rows.length).toBeGreaterThanOrEqual(100);
  return { applied: await look(world), ran: rows.length };
}

async function rowsOf(world: MigrationWorld, table: string): Promise<number> {
  const [row] = await world.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return row!.count;
}
