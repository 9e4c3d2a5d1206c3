import type { Clock } from "../../lib/clock.ts";
import type { Migration } from "../migrations/migration.ts";
import { positionOf, sqlStateOf } from "../session/connect.ts";
import { countLines, type Statement } from "../sql/statements.ts";
import type { Seen } from "./rehearsal.ts";
import { takeReading, type LockRow } from "./reading.ts";
import { openTracker } from "./tracker.ts";
import type { Workbench } from "./workbench.ts";

/** What is needed of a migration here. */
export type RehearsedFile = Pick<Migration, "file" | "version" | "transactional" | "up" | "down">;

export interface RanStatement {
  statement: Statement;
  elapsedMs: number;
  seen: Seen;
}

/** What the database refused. */
export interface Refusal {
  line: number;
  sqlState: string;
  message: string;
}

/**
 * Runs statements as applying would and looks after each what it did: in one transaction, or each by itself. On a
 * refusal an open transaction is rolled back. Errors: DATABASE_UNREACHABLE.
 */
export async function runWatched(
  bench: Workbench,
  statements: readonly Statement[],
  { transactional, clock }: { transactional: boolean; clock: Clock },
): Promise<{ ran: RanStatement[]; refusal?: Refusal }> {
  await bench.reset();
  if (transactional) await bench.query("begin");
  const everything = await takeReading(bench, "0");
  const tracker = openTracker(everything);
  const ran: RanStatement[] = [];
  for (const statement of statements) {
    const outcome = await refusable(statement, async () => {
      const started = clock.monotonicMs();
      let outside: LockRow[] | "unseen" | undefined;
      if (transactional) await bench.query(statement.text);
      else outside = (await bench.watched(() => bench.query(statement.text))).locks ?? "unseen";
      const elapsedMs = clock.monotonicMs() - started;
      const reading = await takeReading(bench, everything.nextXid);
      const isTruncate = /^truncate\b/i.test(statement.code);
      const seen = tracker.see(reading, { isTruncate, ...(outside === undefined ? {} : { outside }) });
      ran.push({ statement, elapsedMs: round(elapsedMs), seen });
    });
    if (outcome !== undefined) return giveUp(bench, ran, outcome);
  }
  // A deferred constraint is checked here.
  const committed = transactional
    ? await refusable(statements[0]!, async () => void (await bench.query("commit")))
    : undefined;
  return committed === undefined ? { ran } : giveUp(bench, ran, committed);
}

/** The same without looking, and without beginning or ending a transaction. Answers the first refusal. */
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

async function giveUp(
  bench: Workbench,
  ran: RanStatement[],
  refusal: Refusal,
): Promise<{ ran: RanStatement[]; refusal: Refusal }> {
  await bench.rollback();
  return { ran, refusal };
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
