import { hasCode, TminusError } from "../../errors.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import type { Session } from "../session/connect.ts";
import { checkFence } from "../session/fence.ts";
import { hasLedger, readLedger, type LedgerRow } from "./ledger.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { forgetApplied } from "./record.ts";
import { effectOf } from "./outside/effect-of.ts";
import { runOutside, type OutsideWork } from "./run-outside.ts";
import { literal } from "../session/literal.ts";
import { asMigrationError, firstLine } from "./run-statement.ts";
import { isSetting } from "./statement-groups.ts";
import { journalForgetSql, readJournal, type JournalRow } from "./statement-journal.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";
import { inFencedTransaction } from "./transaction.ts";
import { withSession } from "./with-session.ts";

export type RevertOutcome =
  /** Newest first; empty when nothing of this run was applied. */
  | { state: "reverted"; reverted: LedgerRow[] }
  /** Nothing was reverted, because not everything can be. */
  | { state: "refused"; reason: string };

/** Takes part in undoing; what it throws rolls the transaction of the file back. */
export interface RevertGuard {
  /** Before anything is undone, outside a transaction: why nothing may be, or undefined. Newest first. */
  check?(session: Session, rows: readonly LedgerRow[]): Promise<string | undefined>;
  /** In the transaction of one file, before its first statement; not for a file that is not one transaction. */
  begin?(session: Session, row: LedgerRow): Promise<void>;
  /** In its transaction; not for what no transaction can hold. */
  beforeStatement?(session: Session, row: LedgerRow, statement: Statement): Promise<void>;
  /** Not for a file that is not one transaction. */
  afterStatement?(session: Session, row: LedgerRow, statement: Statement): Promise<void>;
  /** After its last statement; not for a file that is not one transaction. */
  end?(row: LedgerRow): void;
}

/**
 * Runs the stored down sections of what this run applied, newest first, each in a transaction with the removal
 * of its ledger row. Needs no files. Safe to repeat: what is reverted is no longer in the ledger.
 * Errors: MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST; DATABASE_UNREACHABLE when it is not known how far it came.
 */
export async function revertMigrations(
  options: MigrateOptions,
  guard: RevertGuard = {},
): Promise<RevertOutcome> {
  // Over all connections: a row that a lost commit took is not read again.
  const reverted = new Map<string, LedgerRow>();
  return withSession(options, async (session) => {
    if (!(await hasLedger(session))) return { state: "reverted", reverted: [] };
    const ledger = await readLedger(session);
    const rows = ledger.filter(({ runKey }) => runKey === options.runKey).reverse();
    const unfinished = await readUnfinished(session, options.runKey);
    const reason =
      (await refuse(session, options.runKey, rows, unfinished)) ?? (await guard.check?.(session, rows));
    if (reason !== undefined) return { state: "refused", reason };
    for (const row of rows) reverted.set(row.version, row);
    await undoUnfinished(session, unfinished, options);
    for (const [index, row] of rows.entries()) {
      options.progress(`undoing ${row.file}`);
      crashPoint("migrate.before-transaction", `${row.version} down`);
      try {
        await revertOne(session, row, { options, guard });
      } catch (error) {
        const open = new Set(rows.slice(index).map(({ version }) => version));
        throw withUndone(
          error,
          [...reverted.values()].filter(({ version }) => !open.has(version)),
        );
      }
    }
    return { state: "reverted", reverted: [...reverted.values()] };
  });
}

/** Says with a failure which files were undone before it: they stay so. */
function withUndone(error: unknown, undone: readonly LedgerRow[]): unknown {
  if (undone.length === 0 || !hasCode(error, "MIGRATION_FAILED", "MIGRATION_LOCKED", "MIGRATION_REFUSED"))
    return error;
  const { code, message, hint, details } = error;
  const files = undone.map(({ file }) => file).join(", ");
  return new TminusError(code, `${message}\nundone before it, and not made again: ${files}`, {
    hint,
    details,
    cause: error,
  });
}

/** Why what a run applied cannot be undone as the database is now; undefined when it can be. Reads only. */
export async function whyNotReverted(session: Session, runKey: string): Promise<string | undefined> {
  if (!(await hasLedger(session))) return undefined;
  const rows = (await readLedger(session)).filter((row) => row.runKey === runKey).reverse();
  return refuse(session, runKey, rows, await readUnfinished(session, runKey));
}

async function refuse(
  session: Session,
  runKey: string,
  rows: readonly LedgerRow[],
  unfinished: readonly JournalRow[],
): Promise<string | undefined> {
  return refusal(rows, await readLater(session, runKey)) ?? (await refuseUnfinished(unfinished));
}

function refusal(rows: readonly LedgerRow[], later: readonly string[]): string | undefined {
  const without = rows.filter(({ downSql }) => downSql === null);
  if (without.length > 0) {
    return `${without.map(({ file }) => file).join(", ")} has no down section; nothing was undone`;
  }
  if (later.length === 0) return undefined;
  return `another run applied ${later.join(", ")} on top; nothing was undone`;
}

/** Files that others applied after the first of this run, by the clock of the database. */
async function readLater(session: Session, runKey: string): Promise<string[]> {
  const rows = await session.query<{ file: string }>(
    `select coalesce(file, version || '_' || name || '.sql') as file from tminus.migration
     where run_key not in ($1, 'adopted') and applied_at > (select min(applied_at) from tminus.migration where run_key = $1)
     order by applied_at`,
    [runKey],
  );
  return rows.map(({ file }) => file);
}

async function revertOne(
  session: Session,
  row: LedgerRow,
  { options, guard }: { options: MigrateOptions; guard: RevertGuard },
): Promise<void> {
  const { file } = row;
  const { statements } = splitStatements(row.downSql ?? "", row.downLine ?? 1);
  const takeRow = (): Promise<boolean> => forgetApplied(session, row);
  if (!row.transactional) {
    await runOutside(session, outsideWork(row, statements, takeRow, guard), options);
    return;
  }
  await asMigrationError(file, () =>
    inFencedTransaction(session, options, {
      label: `${row.version} down`,
      file,
      statements,
      async run(_session, transaction) {
        if (!(await takeRow())) return false;
        await guard.begin?.(session, row);
        if (guard.beforeStatement === undefined && guard.afterStatement === undefined) {
          guard.end?.(row);
          await transaction.commitWith(statements, []);
          return true;
        }
        for (const statement of statements) {
          await guard.beforeStatement?.(session, row, statement);
          await transaction.run(statement);
          await guard.afterStatement?.(session, row, statement);
        }
        guard.end?.(row);
        return true;
      },
    }),
  );
}

function outsideWork(
  row: LedgerRow,
  statements: readonly Statement[],
  takeRow: () => Promise<boolean>,
  { beforeStatement }: RevertGuard,
): OutsideWork {
  return {
    version: row.version,
    direction: "down",
    file: row.file,
    statements,
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
    ...(beforeStatement === undefined
      ? {}
      : {
          beforeStatement: (session: Session, statement: Statement) =>
            beforeStatement(session, row, statement),
        }),
  };
}

/** Statements of files that this run began and did not end: they are not in the ledger, but they took effect. */
async function readUnfinished(session: Session, runKey: string): Promise<JournalRow[]> {
  return (await readJournal(session)).filter((row) => row.direction === "up" && row.runKey === runKey);
}

/** Only what has an obvious inverse can be taken back: the down section is for the whole file. */
async function refuseUnfinished(rows: readonly JournalRow[]): Promise<string | undefined> {
  const lasting: (JournalRow & { shown: string })[] = [];
  for (const row of rows) {
    const [statement] = splitStatements(row.sql).statements;
    if (statement !== undefined && isSetting(statement)) continue;
    if ((await effectOf(row.sql)).undo !== undefined) continue;
    lasting.push({ ...row, shown: statement === undefined ? row.sql : firstLine(statement) });
  }
  const version = lasting[0]?.version;
  if (version === undefined) return undefined;
  const left = lasting.filter((row) => row.version === version);
  const list = left.map(
    ({ position, state, shown }) =>
      `  statement ${position + 1}${state === "begun" ? ", perhaps" : ""}: ${shown}`,
  );
  const positions = left.map(({ position }) => position).join(", ");
  return [
    `version ${version} was interrupted half-way, and its down section is for the whole of it; nothing was undone. What took effect and cannot be taken back alone:`,
    ...list,
    "Deploy the same files again, which goes on behind these, and then roll back. Or take these back by hand, run",
    `  delete from tminus.migration_statement where version = ${literal(version)} and direction = 'up' and position in (${positions});`,
    "and roll back again.",
  ].join("\n");
}

async function undoUnfinished(
  session: Session,
  rows: readonly JournalRow[],
  { fence }: MigrateOptions,
): Promise<void> {
  for (const { version, direction, position, sql, evidence } of rows.toReversed()) {
    await session.reset();
    await checkFence(session, fence);
    await (await effectOf(sql)).undo?.(session, evidence);
    await session.query(journalForgetSql({ version, direction }, position));
  }
}
