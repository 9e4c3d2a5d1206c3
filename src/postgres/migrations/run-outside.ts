import { hasCode, TminusError } from "../../errors.ts";
import { countUnseenSnapshots, readOldSnapshots } from "../session/holders.ts";
import type { Session } from "../session/connect.ts";
import { waitUntilGone } from "../session/wait-until-free.ts";
import type { Statement } from "../sql/statements.ts";
import { lookOptions, type MigrateOptions } from "./migrate-options.ts";
import { effectOf } from "./outside/effect-of.ts";
import type { OutsideEffect } from "./outside/effect.ts";
import { ownRoleSql } from "./record.ts";
import { asMigrationError, runStatement } from "./run-statement.ts";
import { groupStatements, isSetting, type StatementGroup } from "./statement-groups.ts";
import {
  ensureJournal,
  journalBegun,
  journalDoneSql,
  journalForgetSql,
  readJournal,
  type Direction,
  type JournalRow,
} from "./statement-journal.ts";
import { inFencedTransaction } from "./transaction.ts";

/** A section of a file that is not one transaction. */
export interface OutsideWork {
  version: string;
  direction: Direction;
  file: string;
  statements: readonly Statement[];
  /** Whether the ledger still asks for it; runs in a fenced transaction. */
  isNeeded(session: Session): Promise<boolean>;
  /** Runs before each statement, in its transaction; not for what no transaction can hold. */
  beforeStatement?(session: Session, statement: Statement): Promise<void>;
  /** Writes the ledger; runs in the fenced transaction that ends the work. */
  record(session: Session): Promise<void>;
}

/** A transaction older than this is waited for before a statement is begun that would have to wait for it. */
const OLD_SNAPSHOT_MS = 60_000;

/**
 * Runs a section piece by piece: what can be in a transaction together with its rows of the journal, what
 * cannot between a row that says that it was begun and one that says that it is done. After a crash it goes on
 * at the piece where it stopped; whether a statement that was begun took effect is read from the catalog.
 * Errors: MIGRATION_REFUSED, MIGRATION_FAILED, MIGRATION_LOCKED, LEASE_LOST, DATABASE_UNREACHABLE.
 */
export async function runOutside(
  session: Session,
  work: OutsideWork,
  options: MigrateOptions,
): Promise<void> {
  await ensureJournal(session);
  const rows = (await readJournal(session)).filter(
    ({ version, direction }) => version === work.version && direction === work.direction,
  );
  const begun = await settleChanged(session, work, rows, options);
  const done = new Set(rows.filter(({ state }) => state === "done").map(({ position }) => position));
  const groups = groupStatements(work.statements).flatMap((group) => withoutDone(group, done));
  for (const [index, group] of groups.entries()) {
    const isLast = index === groups.length - 1;
    const wanted =
      group.kind === "together"
        ? await runTogether(session, work, { group, isLast }, options)
        : await runAlone(session, work, { group, isLast, begun: begun.get(group.first) }, options);
    if (!wanted) return;
  }
  if (groups.length === 0) await finish(session, work, options);
}

type Together = Extract<StatementGroup, { kind: "together" }>;
type Alone = Extract<StatementGroup, { kind: "outside" }>;

/** Answers false when the ledger no longer asks for it. */
async function runTogether(
  session: Session,
  work: OutsideWork,
  { group, isLast }: { group: Together; isLast: boolean },
  options: MigrateOptions,
): Promise<boolean> {
  const { first, statements } = group;
  return asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label: isLast ? labelOf(work) : labelOf(work, first),
      file: work.file,
      statements,
      async run(_session, transaction) {
        if (!(await work.isNeeded(session))) return false;
        if (isLast) await work.record(session);
        const journal = isLast ? journalForgetSql(work) : journalDoneSql(work, first, statements, options);
        const settings = settingsBefore(work, first);
        const ours = [...ownRoleSql([...settings, ...statements]), journal];
        if (work.beforeStatement === undefined) {
          await transaction.commitWith([...settings, ...statements], ours);
          return true;
        }
        for (const setting of settings) await transaction.run(setting);
        for (const statement of statements) {
          await work.beforeStatement(session, statement);
          await transaction.run(statement);
        }
        await transaction.commitWith([], ours);
        return true;
      },
    }),
  );
}

async function runAlone(
  session: Session,
  work: OutsideWork,
  { group, isLast, begun }: { group: Alone; isLast: boolean; begun: JournalRow | undefined },
  options: MigrateOptions,
): Promise<boolean> {
  const { statement, first } = group;
  const effect = await effectOf(statement.text);
  await prepareSession(session, work, first);
  const evidence =
    begun === undefined ? await placed(work, statement, () => effect.look(session)) : begun.evidence;
  const wanted = await asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label: `${labelOf(work, first)} begin`,
      file: work.file,
      async run() {
        if (!(await work.isNeeded(session))) return false;
        await journalBegun(session, work, { position: first, statement, evidence }, options);
        return true;
      },
    }),
  );
  if (!wanted) return false;
  await prepareSession(session, work, first);
  await carryOut(session, work, { statement, position: first, effect, evidence }, options);
  if (isLast) return finish(session, work, options);
  return asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label: labelOf(work, first),
      file: work.file,
      async run(_session, transaction) {
        await transaction.commitWith([], [journalDoneSql(work, first, [statement], options)]);
        return true;
      },
    }),
  );
}

interface Act {
  statement: Statement;
  position: number;
  effect: OutsideEffect;
  evidence: unknown;
}

async function carryOut(
  session: Session,
  work: OutsideWork,
  act: Act,
  options: MigrateOptions,
): Promise<void> {
  const { statement, effect, evidence } = act;
  const say = (text: string): void => options.progress(`${work.file}: ${text}`);
  await waitUntilGone(() => readOldSnapshots(session, OLD_SNAPSHOT_MS), lookOptions(options, work.file, 0));
  const unseen = await countUnseenSnapshots(session);
  if (unseen > 0)
    say(
      `could not see since when ${unseen} sessions of other roles hold a snapshot, so that it may have to wait for them: grant pg_read_all_stats to the role that migrates`,
    );
  const state = await placed(work, statement, () => effect.settle(session, evidence, say));
  if (state === "done") return;
  try {
    await asMigrationError(work.file, () => runStatement(session, work.file, statement));
  } catch (error) {
    await cleanUp(session, work, act, say);
    throw error;
  }
  if (effect.isComplete === undefined || (await effect.isComplete(session, evidence))) return;
  throw new TminusError(
    "MIGRATION_FAILED",
    `${at(work, statement)}: the database took the statement, but the catalog does not show its effect`,
  );
}

/** What an attempt that failed left costs every write: it is taken away at once where possible. */
async function cleanUp(
  session: Session,
  work: OutsideWork,
  { effect, evidence, position }: Act,
  say: (text: string) => void,
): Promise<void> {
  try {
    if ((await effect.settle(session, evidence, say)) === "again")
      await session.query(journalForgetSql(work, position));
  } catch (error) {
    // The statement's own error is what is reported; the row in the journal makes the next attempt clean up.
    say(`not cleaned up yet: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Writes the ledger and forgets the journal. Answers false when the ledger no longer asks for it. */
async function finish(session: Session, work: OutsideWork, options: MigrateOptions): Promise<boolean> {
  return asMigrationError(work.file, () =>
    inFencedTransaction(session, options, {
      label: labelOf(work),
      file: work.file,
      async run(_session, transaction) {
        if (!(await work.isNeeded(session))) return false;
        await work.record(session);
        await transaction.commitWith([], [journalForgetSql(work)]);
        return true;
      },
    }),
  );
}

/**
 * Rows of statements that the file no longer has as they were run. One that did not take effect is forgotten;
 * one that did cannot be changed any more. Answers the rows that were begun, by position.
 */
async function settleChanged(
  session: Session,
  work: OutsideWork,
  rows: readonly JournalRow[],
  options: MigrateOptions,
): Promise<Map<number, JournalRow>> {
  const begun = new Map<number, JournalRow>();
  for (const row of rows) {
    if (work.statements[row.position]?.text === row.sql) {
      if (row.state === "begun") begun.set(row.position, row);
      continue;
    }
    const effect = await effectOf(row.sql);
    const say = (text: string): void => options.progress(`${work.file}: ${text}`);
    if (row.state === "done" || (await effect.settle(session, row.evidence, say)) === "done")
      throw changed(work, row);
    await session.query(journalForgetSql(work, row.position));
  }
  return begun;
}

function changed({ file }: OutsideWork, { position, sql }: JournalRow): TminusError {
  return new TminusError(
    "MIGRATION_REFUSED",
    `${file}: statement ${position + 1} took effect before the file was interrupted, and was changed since; it ran as:\n  ${sql}`,
    { hint: `Put statement ${position + 1} back as it ran; statements after it may be changed.` },
  );
}

/** The session as the statements before this one left it, whichever session ran them. */
async function prepareSession(session: Session, work: OutsideWork, position: number): Promise<void> {
  await session.reset();
  for (const setting of settingsBefore(work, position)) await runStatement(session, work.file, setting);
  // A statement outside waits without keeping anybody from its table; statement_timeout bounds it.
  await session.query("set lock_timeout = 0");
}

function settingsBefore({ statements }: OutsideWork, position: number): Statement[] {
  return statements.slice(0, position).filter(isSetting);
}

function withoutDone(group: StatementGroup, done: ReadonlySet<number>): StatementGroup[] {
  if (group.kind === "outside") return done.has(group.first) ? [] : [group];
  const left = group.statements.filter((_statement, index) => !done.has(group.first + index));
  if (left.length === 0) return [];
  return [{ ...group, first: group.first + group.statements.length - left.length, statements: left }];
}

/** Puts file and line before what an effect says. */
async function placed<T>(work: OutsideWork, statement: Statement, ask: () => Promise<T>): Promise<T> {
  try {
    return await asMigrationError(work.file, ask);
  } catch (error) {
    if (!hasCode(error, "MIGRATION_FAILED") || error.message.startsWith(work.file)) throw error;
    throw new TminusError("MIGRATION_FAILED", `${at(work, statement)}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
}

function labelOf({ version, direction }: OutsideWork, position = 0): string {
  const place = position === 0 ? version : `${version}.${position}`;
  return direction === "up" ? place : `${place} down`;
}

function at({ file }: OutsideWork, { line }: Statement): string {
  return `${file}:${line}`;
}
