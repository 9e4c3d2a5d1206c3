import { TminusError } from "../../errors.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { applyOutside } from "../migrations/apply-outside.ts";
import { compareWithLedger, type Comparison } from "../migrations/compare.ts";
import { ensureLedger, readLedger, type LedgerRow } from "../migrations/ledger.ts";
import type { MigrateOptions } from "../migrations/migrate-options.ts";
import { compareVersions, type Migration } from "../migrations/migration.ts";
import { finishSql, recordApplied } from "../migrations/record.ts";
import { asMigrationError } from "../migrations/run-statement.ts";
import { inFencedTransaction } from "../migrations/transaction.ts";
import { withSession } from "../migrations/with-session.ts";
import type { Session } from "../session/connect.ts";
import { droppedByText } from "../undo/grade.ts";
import { archive, isArchivable, notInPieces, type Archived } from "./archive.ts";

/**
 * Applies the files of the contract phase that have not run, oldest first, each in its own transaction with its
 * ledger row and with a copy, in the schema tminus_archive, of everything that it drops. Safe to repeat.
 * Errors: MIGRATION_REFUSED when a file of another phase before them has not run, or when something could not be
 * put back; MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST; DATABASE_UNREACHABLE when it is not known how far it came.
 */
export async function applyContract(
  migrations: readonly Migration[],
  options: MigrateOptions,
): Promise<LedgerRow[]> {
  return withSession(options, async (session) => {
    await ensureLedger(session);
    const compared = compareWithLedger(migrations, await readLedger(session));
    const refusal = whyNotYet(compared);
    if (refusal !== undefined) throw refusal;
    for (const [index, migration] of compared.contract.entries()) {
      options.progress(`${migration.file} (${index + 1} of ${compared.contract.length})`);
      await session.reset();
      crashPoint("migrate.before-transaction", migration.version);
      if (migration.transactional) await applyOne(session, migration, options);
      else {
        await refuseUnarchived(migration);
        await applyOutside(session, migration, options);
      }
    }
    await session.reset();
    return (await readLedger(session)).filter(({ runKey }) => runKey === options.runKey);
  });
}

/** Files before the last contract file that must have run first, and files that do not fit the ledger. */
function whyNotYet({ pending, contract, problems }: Comparison): TminusError | undefined {
  const last = contract.at(-1);
  const missing = pending.filter((migration) => last !== undefined && compareVersions(migration, last) < 0);
  const reasons = [
    ...problems.map(({ reason }) => reason),
    ...missing.map(({ file }) => `${file} has not run, and the contract phase comes after it`),
  ];
  if (reasons.length === 0) return undefined;
  return new TminusError("MIGRATION_REFUSED", reasons.join("\n"), {
    hint: problems[0]?.fix ?? "Apply it with db.migrate first.",
  });
}

async function applyOne(session: Session, migration: Migration, options: MigrateOptions): Promise<void> {
  const { version, file, up } = migration;
  await asMigrationError(file, () =>
    inFencedTransaction(session, options, {
      label: version,
      file,
      statements: up,
      async run(_session, transaction) {
        if (!(await recordApplied(session, migration, options))) return false;
        for (const statement of up) {
          for (const dropped of await droppedByText(statement)) {
            if (!isArchivable(dropped)) continue;
            const kept = await archive(session, dropped, { version, options });
            if (kept !== undefined) options.progress(describeArchived(file, kept));
          }
          await transaction.run(statement);
        }
        for (const sql of finishSql(migration)) await session.query(sql);
        return true;
      },
    }),
  );
}

async function refuseUnarchived({ file, up }: Migration): Promise<void> {
  for (const statement of up) {
    const dropped = (await droppedByText(statement)).find(isArchivable);
    if (dropped === undefined) continue;
    const { reason, fix } = notInPieces(dropped);
    throw new TminusError("MIGRATION_REFUSED", `${file}:${statement.line}: ${reason}; nothing was changed`, {
      hint: fix,
    });
  }
}

function describeArchived(file: string, { what, rows, into }: Archived): string {
  return `${file}: ${rows} rows of ${what} kept in ${into}`;
}
