import { TminusError } from "../../errors.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import type { MigrationProblem } from "./compare.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { historyOf } from "./history/registry.ts";
import { ensureLedger, readLedger, type LedgerRow } from "./ledger.ts";
import { readStanding, type Standing } from "./read-history.ts";
import { applyOutside } from "./apply-outside.ts";
import { applyInOneMessage } from "./one-message.ts";
import { prepareOurStatements } from "./our-statements.ts";
import { recordAdopted } from "./record.ts";
import type { HistoryFormat, Migration } from "./migration.ts";
import { lookOptions, type MigrateOptions } from "./migrate-options.ts";
import { readDumps } from "../session/holders.ts";
import { waitUntilGone } from "../session/wait-until-free.ts";
import { foreseeLocks } from "../sql/strong-locks.ts";
import { readJournal } from "./statement-journal.ts";
import { inFencedTransaction } from "./transaction.ts";
import { withSession } from "./with-session.ts";

/**
 * Applies what is pending, each file in its own transaction together with its ledger row, and answers the rows
 * that carry this run's key. Safe to repeat at any time: what the ledger has is not run again.
 * Errors: MIGRATION_REFUSED, MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST; DATABASE_UNREACHABLE when it is
 * not known how far it came.
 */
export async function applyMigrations(
  migrations: readonly Migration[],
  options: MigrateOptions,
): Promise<LedgerRow[]> {
  return withSession(options, async (session) => {
    const format = options.format ?? "native";
    await prepareLedger(session, format);
    const { pending, problems, adoptable } = await readStanding(session, format, migrations);
    if (problems.length > 0) throw refused(problems);
    await refuseHalfUndone(session);
    if (adoptable.length > 0) await adopt(session, adoptable, options);
    if (pending.length > 0) await waitForDumps(session, options);
    await foreseeLocks(pending.flatMap(({ up }) => up));
    const ours = await prepareOurStatements(session);
    for (const [index, migration] of pending.entries()) {
      options.progress(`${migration.file} (${index + 1} of ${pending.length})`);
      crashPoint("migrate.before-transaction", migration.version);
      if (migration.transactional) await applyInOneMessage(session, migration, ours, options);
      else {
        await applyOutside(session, migration, options);
        await session.reset();
      }
    }
    return (await readLedger(session)).filter(({ runKey }) => runKey === options.runKey);
  });
}

/** A file whose undo was interrupted is neither applied nor not. */
async function refuseHalfUndone(session: Session): Promise<void> {
  const versions = new Set(
    (await readJournal(session))
      .filter(({ direction }) => direction === "down")
      .map(({ version }) => version),
  );
  if (versions.size === 0) return;
  throw new TminusError(
    "MIGRATION_REFUSED",
    `the undo of ${[...versions].join(", ")} was interrupted in its middle`,
    { hint: "Roll the run that applied it back again: it goes on where it stopped." },
  );
}

/** A dump holds every table until it ends. */
async function waitForDumps(session: Session, options: MigrateOptions): Promise<void> {
  await waitUntilGone(() => readDumps(session), lookOptions(options, "the migrations", 0));
}

async function adopt(
  session: Session,
  adoptable: Standing["adoptable"],
  options: MigrateOptions,
): Promise<void> {
  options.progress(`adopting ${adoptable.length} that have run before tminus came`);
  const work = { label: "adopt", file: adoptable[0]!.migration.file };
  await inFencedTransaction(session, options, {
    ...work,
    async run() {
      await recordAdopted(session, adoptable, options);
      return true;
    },
  });
}

async function prepareLedger(session: Session, format: HistoryFormat): Promise<void> {
  try {
    await ensureLedger(session);
    await historyOf(format).owner?.prepare(session);
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("MIGRATION_FAILED", `the ledger tminus.migration could not be made: ${reason}`, {
      hint: "Let the role of the connection create the schema tminus, or create it and give it to that role.",
      cause: error,
    });
  }
}

function refused(problems: readonly MigrationProblem[]): TminusError {
  return new TminusError("MIGRATION_REFUSED", problems.map(({ reason }) => reason).join("\n"), {
    hint: problems[0]!.fix,
    details: { problems },
  });
}
