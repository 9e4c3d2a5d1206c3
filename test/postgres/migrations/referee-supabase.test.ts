import { describe, expect, it } from "vitest";
import { hasSupabaseCli, openSupabaseCli } from "../../support/supabase-cli.ts";
import { printVerdicts } from "./history-cases.ts";
import { compareVerdicts, openArena, table, type Arena, type Referee } from "./referee.ts";
import type { MigrationWorld } from "./world.ts";

async function openReferee({ directory, url }: MigrationWorld): Promise<Referee> {
  const cli = await openSupabaseCli(directory, url);
  return {
    blind: ["edited"],
    async ask() {
      const { pending, missing, applied } = await cli.list();
      // It speaks of the order only when it is to push something; a call takes a second.
      const isOld = applied.some((version) => version > (pending[0] ?? version));
      const output = isOld ? (await cli.dryRun()).output : "";
      const isOutOfOrder = /inserted before the last migration/i.test(output);
      return { pending, edited: [], missing, failed: [], "out-of-order": isOutOfOrder ? pending : [] };
    },
    deploy: () => cli.push(),
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  };
}

const open = (): Promise<Arena> => openArena("supabase", openReferee);

describe.skipIf(!hasSupabaseCli)(
  "with the Supabase CLI as referee (skipped where its binary is not installed)",
  () => {
    it("agrees on every state of a history, whoever made it", async () => {
      const verdicts = await compareVerdicts(open, "Supabase CLI");
      printVerdicts("Supabase", verdicts);
      expect(verdicts.map(({ case: name, madeBy, tminus }) => `${name}, by ${madeBy}: ${tminus}`)).toEqual([
        "applied, by Supabase CLI: up to date",
        "applied, by tminus: up to date",
        "pending, by Supabase CLI: pending 3",
        "pending, by tminus: pending 3",
        "edited, by Supabase CLI: edited 2",
        "edited, by tminus: edited 2",
        "failed, by Supabase CLI: pending 3",
        "failed, by tminus: pending 3",
        "out of order, by Supabase CLI: pending 2, out-of-order 2",
        "out of order, by tminus: pending 2, out-of-order 2",
        "missing, by Supabase CLI: missing 2",
        "missing, by tminus: missing 2",
      ]);
    });

    it("goes on where the other stopped, to and fro, and runs nothing twice", async () => {
      await using arena = await open();
      await arena.write(1, table(1));
      expect(await arena.referee.deploy()).toMatchObject({ ok: true });
      await arena.write(2, `begin;\n${table(2)}commit;\n`);
      expect((await arena.apply()).map(({ version }) => version)).toEqual(["20240102000000"]);
      await arena.write(3, table(3));
      expect(await arena.referee.deploy()).toMatchObject({ ok: true });
      await arena.write(4, "alter table t1 add column a int;\ncreate index concurrently t1_a on t1 (a);\n");
      await arena.apply();
      expect(await arena.referee.ask()).toMatchObject({ pending: [], missing: [] });
      const rows = await arena.world.query(
        "select version, file, run_key from tminus.migration order by version",
      );
      expect(rows).toEqual([
        { version: "20240101000000", file: "20240101000000_t1.sql", run_key: "adopted" },
        { version: "20240102000000", file: "20240102000000_t2.sql", run_key: "run-1/migrate" },
        { version: "20240103000000", file: "20240103000000_t3.sql", run_key: "adopted" },
        { version: "20240104000000", file: "20240104000000_t4.sql", run_key: "run-1/migrate" },
      ]);
      const kept = await arena.world.query(
        "select statements from supabase_migrations.schema_migrations where version = '20240102000000'",
      );
      expect(kept).toEqual([{ statements: ["begin", "create table t2 (id int)", "commit"] }]);
    });
  },
);
