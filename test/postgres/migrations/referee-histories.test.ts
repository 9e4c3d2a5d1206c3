import { describe, expect, it } from "vitest";
import { readFingerprint } from "../../../src/postgres/drift/fingerprint.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import { discoverHistory, readStanding } from "../../../src/postgres/migrations/read-history.ts";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import { historyEntries, historySetup, layOutHistory } from "../../support/histories.ts";
import { openPrismaEngine } from "../../support/prisma-engine.ts";
import { hasSupabaseCli, openSupabaseCli } from "../../support/supabase-cli.ts";
import { openMigrationWorld, type MigrationWorld } from "./world.ts";

/** What tminus says of a history that somebody else applied: how many it adopts, and how many of them on proof. */
async function adoption(world: MigrationWorld, directory: string) {
  const { format, migrations } = await discoverHistory(directory);
  const { adoptable, pending, problems } = await readOnly(
    { ...world.options(), purpose: "look" },
    (session) => readStanding(session, format, migrations),
  );
  return {
    adoptable: adoptable.length,
    proven: adoptable.filter(({ proven }) => proven).length,
    pending,
    problems,
  };
}

async function applyAll(world: MigrationWorld, directory: string): Promise<void> {
  const { format, migrations } = await discoverHistory(directory);
  await applyMigrations(migrations, world.options({ format }));
}

describe("a history of more than a hundred migrations before its owner's tool", () => {
  it.skipIf(!hasSupabaseCli)(
    "is the same to the Supabase CLI and to tminus, whoever applied it (skipped without the CLI's binary)",
    async () => {
      await using theirs = await openMigrationWorld();
      await using ours = await openMigrationWorld();
      for (const world of [theirs, ours]) await world.query(historySetup);
      const entries = historyEntries("supabase");
      const directory = await layOutHistory("supabase", theirs.directory, entries);
      await using cli = await openSupabaseCli(theirs.directory, theirs.url);
      expect(await cli.push()).toMatchObject({ ok: true });
      const all = { adoptable: entries.length, proven: entries.length, pending: [], problems: [] };
      expect(await adoption(theirs, directory)).toEqual(all);

      const own = await layOutHistory("supabase", ours.directory, entries);
      await applyAll(ours, own);
      await using look = await openSupabaseCli(ours.directory, ours.url);
      expect(await look.list()).toEqual({
        pending: [],
        missing: [],
        applied: entries.map(({ version }) => version),
      });
      expect((await readFingerprint(ours)).digest).toBe((await readFingerprint(theirs)).digest);
    },
  );

  it("is the same to Prisma's engine and to tminus, whoever applied it", async () => {
    await using theirs = await openMigrationWorld();
    await using ours = await openMigrationWorld();
    // The adapter that the engine uses here cuts scripts at every semicolon, also inside a function's body.
    const entries = historyEntries("prisma").filter(({ up }) => !up.includes("CREATE FUNCTION"));
    expect(entries.length).toBeGreaterThanOrEqual(100);
    const directory = await layOutHistory("prisma", theirs.directory, entries);
    await using engine = await openPrismaEngine(directory, theirs.url);
    const deployed = await engine.deploy();
    expect(deployed, deployed.output).toMatchObject({ ok: true });
    const all = { adoptable: entries.length, proven: entries.length, pending: [], problems: [] };
    expect(await adoption(theirs, directory)).toEqual(all);

    await applyAll(ours, directory);
    await using look = await openPrismaEngine(directory, ours.url);
    expect(await look.diagnose()).toEqual({ pending: [], missing: [], edited: [], failed: [] });
    expect((await readFingerprint(ours)).digest).toBe((await readFingerprint(theirs)).digest);
  });
});
