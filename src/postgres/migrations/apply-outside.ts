import type { Session } from "../session/connect.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import type { Migration } from "./migration.ts";
import { recordApplied } from "./record.ts";
import { runOutside } from "./run-outside.ts";

/** Applies a file whose statements each run outside a transaction; its ledger row comes last. Errors as of runOutside. */
export async function applyOutside(
  session: Session,
  migration: Migration,
  options: MigrateOptions,
): Promise<void> {
  const { version, file, up } = migration;
  const started = options.clock.monotonicMs();
  await runOutside(
    session,
    {
      version,
      direction: "up",
      file,
      statements: up,
      isNeeded: async () =>
        (await session.query("select 1 from tminus.migration where version = $1", [version])).length === 0,
      async record() {
        await recordApplied(session, migration, options, Math.round(options.clock.monotonicMs() - started));
      },
    },
    options,
  );
}
