import type { Clock } from "../../lib/clock.ts";
import type { Migration } from "../migrations/migration.ts";
import { groupStatements, type StatementGroup } from "../migrations/statement-groups.ts";
import { positionOf, sqlStateOf } from "../session/connect.ts";
import { countLines, type Statement } from "../sql/statements.ts";
import type { Seen } from "./rehearsal.ts";
import { takeReading, type LockRow, type Reading } from "./reading.ts";
import { openTracker, type Tracker } from "./tracker.ts";
import type { Workbench } from "./workbench.ts";

/** What is needed of a migration here. */
export type RehearsedFile = Pick<Migration, "file" | "version" | "transactional" | "up" | "down">;

export interface RanStatement {
  statement: Statement;
  elapsedMs: number;
  seen: Seen;
  /** Statements with the same number run in one transaction. */
  piece: number;
}

/** What the database refused. */
export interface Refusal {
  line: number;
  sqlState: string;
  message: string;
}

/**
 * Runs statements as applying would and looks after each what it did: in one transaction, or in the pieces into which
 * applying cuts a file that cannot be one. On a refusal an open transaction is rolled back. Errors: DATABASE_UNREACHABLE.
 */
export async function runWatched(
  bench: Workbench,
  statements: readonly Statement[],
  { transactional, clock }: { transactional: boolean; clock: Clock },
): Promise<{ ran: RanStatement[]; refusal?: Refusal }> {
  await bench.reset();
  const ran: RanStatement[] = [];
  let tracker: Tracker | undefined;
  let sinceXid = "0";
  let lastPiece = -1;
  const look = async (): Promise<Reading> => takeReading(bench, sinceXid);
  const start = async (piece: number): Promise<void> => {
    if (piece === lastPiece) return;
    lastPiece = piece;
    const reading = await look();
    if (tracker === undefined) sinceXid = reading.nextXid;
    else tracker.restart(reading);
    tracker ??= openTracker(reading);
  };
  const watch = (statement: Statement, piece: number, isAlone: boolean): Promise<Refusal | undefined> =>
    refusable(statement, async () => {
      await start(piece);
      const startedMs = clock.monotonicMs();
      let alone: { locks: LockRow[] | undefined; workMs: number } | undefined;
      if (isAlone) alone = await bench.watched(() => bench.query(statement.text));
      else await bench.query(statement.text);
      const elapsedMs = round(alone?.workMs ?? clock.monotonicMs() - startedMs);
      const outside = alone === undefined ? undefined : (alone.locks ?? "unseen");
      const isTruncate = /^truncate\b/i.test(statement.code);
      const seen = tracker!.see(await look(), { isTruncate, ...(outside === undefined ? {} : { outside }) });
      ran.push({ statement, elapsedMs, seen, piece });
    });
  const refusal = await inPieces(bench, { statements, transactional }, watch);
  return refusal === undefined ? { ran } : { ran, refusal };
}

/** The same without looking. Answers the first refusal. */
export async function runPieces(
  bench: Workbench,
  statements: readonly Statement[],
  transactional: boolean,
): Promise<Refusal | undefined> {
  await bench.reset();
  return inPieces(bench, { statements, transactional }, (statement) => runPlain(bench, [statement]));
}

async function inPieces(
  bench: Workbench,
  { statements, transactional }: { statements: readonly Statement[]; transactional: boolean },
  runOne: (statement: Statement, piece: number, isAlone: boolean) => Promise<Refusal | undefined>,
): Promise<Refusal | undefined> {
  const whole: StatementGroup = { kind: "together", first: 0, statements: [...statements] };
  for (const [piece, group] of (transactional ? [whole] : groupStatements(statements)).entries()) {
    const refusal =
      group.kind === "outside"
        ? await runOne(group.statement, piece, true)
        : await inTransaction(bench, group.statements, (statement) => runOne(statement, piece, false));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

async function inTransaction(
  bench: Workbench,
  statements: readonly Statement[],
  runOne: (statement: Statement) => Promise<Refusal | undefined>,
): Promise<Refusal | undefined> {
  await bench.query("begin");
  for (const statement of statements) {
    const refusal = await runOne(statement);
    if (refusal === undefined) continue;
    await bench.rollback();
    return refusal;
  }
  const last = statements.at(-1);
  if (last === undefined) await bench.query("commit");
  // A deferred constraint is checked here.
  const refusal =
    last === undefined ? undefined : await refusable(last, async () => void (await bench.query("commit")));
  if (refusal !== undefined) await bench.rollback();
  return refusal;
}

/** Runs statements one after the other, and neither begins nor ends a transaction. Answers the first refusal. */
export async function runPlain(
  bench: Workbench,
  statements: readonly Statement[],
): Promise<Refusal | undefined> {
  for (const statement of statements) {
    const refusal = await refusable(statement, async () => void (await bench.query(statement.text)));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** "20260101_a.sql:3: column "x" does not exist (42703)" */
export function refusalText(file: string, { line, message, sqlState }: Refusal): string {
  return `${file}:${line}: ${message} (${sqlState})`;
}

async function refusable({ text, line }: Statement, work: () => Promise<void>): Promise<Refusal | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const sqlState = sqlStateOf(error);
    if (sqlState === undefined || !(error instanceof Error)) throw error;
    const before = text.slice(0, Math.max(0, (positionOf(error) ?? 1) - 1));
    return { line: line + countLines(before, before.length), sqlState, message: error.message };
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
