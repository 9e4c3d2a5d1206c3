import { readLedger, type LedgerRow } from "../migrations/ledger.ts";
import type { Session } from "../session/connect.ts";
import { droppedBy, type Dropped } from "../sql/dropped.ts";
import { parseSql } from "../sql/parse.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";
import { countLoss, describeLoss } from "./count-loss.ts";

/** What undoing one statement of a down section would lose now. */
export interface UndoLoss {
  file: string;
  line: number;
  /** Undefined when it cannot be counted. */
  rows: number | undefined;
  /** ISO 8601: rows may have been written since then. */
  since: string;
  /** A sentence part: "41 emails (users.email)", or what cannot be counted. */
  text: string;
}

export interface UndoGrade {
  /** Newest migration first; only what loses rows or cannot be counted. */
  losses: UndoLoss[];
  /** In all, of what was counted. */
  rows: number;
  /** For people, one line: "undoing drops 41 emails (users.email) written since 10:02 UTC". */
  text: string;
}

/**
 * Counts exactly what undoing the migrations of a run would lose now. The session must be in a transaction; it
 * is only read in.
 */
export async function gradeUndo(session: Session, runKey: string): Promise<UndoGrade> {
  const rows = (await readLedger(session)).filter((row) => row.runKey === runKey).reverse();
  const xids = await readOwnXids(session, runKey);
  const losses: UndoLoss[] = [];
  for (const row of rows) {
    const { statements } = splitStatements(row.downSql ?? "", row.downLine ?? 1);
    for (const statement of statements) losses.push(...(await lossesOf(session, row, statement, xids)));
  }
  return summarize(losses);
}

/** What one statement of a down section would lose now; empty when nothing. */
export async function lossesOf(
  session: Session,
  row: LedgerRow,
  statement: Statement,
  ownXids: readonly string[],
): Promise<UndoLoss[]> {
  const found: UndoLoss[] = [];
  const at = { file: `${row.version}_${row.name}.sql`, line: statement.line, since: row.appliedAt };
  for (const dropped of await droppedByText(statement)) {
    const loss = await countLoss(session, dropped, ownXids);
    if ("unknown" in loss || dropped.kind === "unseen") {
      const text = "unknown" in loss ? loss.unknown : "";
      found.push({ ...at, rows: undefined, text });
    } else if (loss.rows > 0) found.push({ ...at, rows: loss.rows, text: describeLoss(dropped, loss.rows) });
  }
  return found;
}

/** The transactions in which this run's migrations were applied: their own work is no loss. */
export async function readOwnXids(session: Session, runKey: string): Promise<string[]> {
  const rows = await session.query<{ xid: string }>(
    "select distinct xmin::text as xid from tminus.migration where run_key = $1",
    [runKey],
  );
  return rows.map(({ xid }) => xid);
}

/** What a statement drops; one that the parser refuses is something that cannot be seen. */
export async function droppedByText({ text, line }: Statement): Promise<Dropped[]> {
  const parsed = await parseSql(text, line);
  if ("problem" in parsed) return [{ kind: "unseen", what: "runs a statement that could not be read" }];
  return parsed.statements.flatMap(({ node }) => droppedBy(node));
}

export function summarize(losses: UndoLoss[]): UndoGrade {
  const counted = losses.filter(({ rows }) => rows !== undefined);
  const unknown = losses.filter(({ rows }) => rows === undefined);
  const parts = [
    ...counted.map(({ text, since }) => `drops ${text} written since ${timeOf(since)}`),
    ...unknown.map(({ file, line, text }) => `${text}, which cannot be counted (${file}:${line})`),
  ];
  return {
    losses,
    rows: counted.reduce((sum, { rows }) => sum + rows!, 0),
    text: parts.length === 0 ? "undoing loses no rows" : `undoing ${parts.join("; ")}`,
  };
}

/** "10:02 UTC", with its day: a run may be undone days later. */
function timeOf(iso: string): string {
  return `${iso.slice(11, 16)} UTC on ${iso.slice(0, 10)}`;
}
