import { crashPoint } from "../../lib/crash-point.ts";
import { concurrentIndex } from "./concurrent-index.ts";
import type { Session } from "../session/connect.ts";
import { readIndexState } from "./index-state.ts";
import { hasLedger, readLedger, type LedgerRow } from "./ledger.ts";
import { compareVersions } from "./migration.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { dropConcurrently, runOutside } from "./run-outside.ts";
import { forgetApplied } from "./record.ts";
import { asMigrationError, runStatement } from "./run-statement.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";
import { inFencedTransaction } from "./transaction.ts";
import { withSession } from "./with-session.ts";

export type RevertOutcome =
  /** Newest first; empty when nothing of this run was applied. */
  | { state: "reverted"; reverted: LedgerRow[] }
  /** Nothing was reverted, because not everything can be. */
  | { state: "refused"; reason: string };

/**
 * Runs the stored down sections of what this run applied, newest first, each in a transaction with the removal
 * of its ledger row. Needs no files. Safe to repeat: what is reverted is no longer in the ledger.
 * Errors: MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST; DATABASE_UNREACHABLE when it is not known how far it came.
 */
export async function revertMigrations(options: MigrateOptions): Promise<RevertOutcome> {
  // Over all connections: a row that a lost commit took is not read again.
  const reverted = new Map<string, LedgerRow>();
  return withSession(options, async (session) => {
    if (!(await hasLedger(session))) return { state: "reverted", reverted: [] };
    const ledger = await readLedger(session);
    const rows = ledger.filter(({ runKey }) => runKey === options.runKey).reverse();
    const reason = refusal(rows, ledger);
    if (reason !== undefined) return { state: "refused", reason };
    for (const row of rows) reverted.set(row.version, row);
    await dropUnfinished(session, options);
    for (const row of rows) {
      options.progress(`undoing ${row.file}`);
      await session.reset();
      crashPoint("migrate.before-transaction", `${row.version} down`);
      await revertOne(session, row, options);
    }
    return { state: "reverted", reverted: [...reverted.values()] };
  });
}

function refusal(rows: readonly LedgerRow[], ledger: readonly LedgerRow[]): string | undefined {
  const without = rows.filter(({ downSql }) => downSql === null);
  if (without.length > 0) {
    return `${without.map(({ file }) => file).join(", ")} has no down section; nothing was undone`;
  }
  const oldest = rows.at(-1);
  const later = ledger.filter(
    (row) =>
      oldest !== undefined &&
      row.format === oldest.format &&
      compareVersions(row, oldest) > 0 &&
      !rows.includes(row),
  );
  if (later.length === 0) return undefined;
  return `another run applied ${later.map(({ file }) => file).join(", ")} on top; nothing was undone`;
}

async function revertOne(session: Session, row: LedgerRow, options: MigrateOptions): Promise<void> {
  const { file } = row;
  const { statements } = splitStatements(row.downSql ?? "", row.downLine ?? 1);
  const takeRow = (): Promise<boolean> => forgetApplied(session, row);
  if (!row.transactional) {
    await runOutside(session, outsideWork(row, statements[0]!, takeRow), options);
    return;
  }
  await asMigrationError(file, () =>
    inFencedTransaction(session, options, {
      label: `${row.version} down`,
      file,
      async run(_session, settings) {
        if (!(await takeRow())) return false;
        for (const statement of statements) {
          await runStatement(session, file, statement);
          if (/lock_timeout/i.test(statement.text)) await settings.limitLocks();
        }
        return true;
      },
    }),
  );
}

function outsideWork(row: LedgerRow, statement: Statement, takeRow: () => Promise<boolean>) {
  return {
    version: row.version,
    direction: "down" as const,
    file: row.file,
    statement,
    async isNeeded(session: Session): Promise<boolean> {
      const found = await session.query(
        "select 1 from tminus.migration where version = $1 and run_key = $2",
        [row.version, row.runKey],
      );
      return found.length > 0;
    },
    async record(): Promise<void> {
      await takeRow();
    },
  };
}

/** Indexes whose building this run began and never recorded: they are not in the ledger, but they may be there. */
async function dropUnfinished(session: Session, options: MigrateOptions): Promise<void> {
  const rows = await session.query<{ version: string; code: string }>(
    "select version, code from tminus.migration_begun where direction = 'up' and run_key = $1",
    [options.runKey],
  );
  for (const { version, code } of rows) {
    const target = concurrentIndex(code);
    if (target?.action !== "create") continue;
    const found = await readIndexState(session, target);
    if (found.state !== "absent") await dropConcurrently(session, found.name);
    await session.query("delete from tminus.migration_begun where version = $1 and direction = 'up'", [
      version,
    ]);
  }
}
