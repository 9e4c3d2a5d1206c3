import { readLedger, type LedgerRow } from "../migrations/ledger.ts";
import { isSetting } from "../migrations/statement-groups.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import { droppedBy, type Dropped } from "../sql/dropped.ts";
import { shownName } from "../sql/names.ts";
import { parseSql } from "../sql/parse.ts";
import { splitStatements, type Statement } from "../sql/statements.ts";
import { countLoss, describeLoss } from "./count-loss.ts";
import { newRenamedNames, type RenamedNames } from "./renamed-names.ts";

/** What undoing one statement of a down section would lose now. */
export interface UndoLoss {
  file: string;
  line: number;
  /** Undefined when it cannot be counted, or not yet. */
  rows: number | undefined;
  /** A statement before gives it its name: the undo counts it when it is its turn. */
  isCountedLater?: true;
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
  const names = newRenamedNames();
  const losses: UndoLoss[] = [];
  for (const row of rows) {
    const { statements } = splitStatements(row.downSql ?? "", row.downLine ?? 1);
    await session.query("savepoint tminus_grade");
    for (const statement of statements) {
      await followSearchPath(session, statement);
      const later = await laterLosses(row, statement, names);
      losses.push(...(later ?? (await lossesOf(session, row, statement, xids))));
    }
    // Each file begins with the search path of the session.
    await session.query("rollback to savepoint tminus_grade");
  }
  return summarize(losses);
}

/** What the undo is not going to count before its turn is left out. */
export function countedNow(losses: readonly UndoLoss[]): UndoLoss[] {
  return losses.filter(({ isCountedLater }) => isCountedLater !== true);
}

/** It says which tables are meant, and is changed only for this session. */
async function followSearchPath(session: Session, statement: Statement): Promise<void> {
  if (!isSetting(statement)) return;
  const { code, text } = statement;
  const isReset = /^reset all$/i.test(code);
  if (!isReset && !/search_path/i.test(text)) return;
  await session.query("savepoint tminus_path");
  try {
    await session.query(isReset ? "reset search_path" : text);
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    // The undo will stop there, before it drops anything.
    await session.query("rollback to savepoint tminus_path");
  }
}

/** What a statement drops under a name that it has not now; undefined when there is nothing of that kind. */
async function laterLosses(
  row: LedgerRow,
  { text, line }: Statement,
  names: RenamedNames,
): Promise<UndoLoss[] | undefined> {
  const parsed = await parseSql(text);
  const nodes = "statements" in parsed ? parsed.statements.map(({ node }) => node) : [];
  const later = nodes.flatMap(droppedBy).filter(names.cover);
  for (const node of nodes) names.see(node);
  if (later.length === 0) return undefined;
  return later.map((dropped) => ({
    ...placeOf(row, line),
    rows: undefined,
    isCountedLater: true,
    text: `drops ${shownName(dropped.table)}${"column" in dropped ? `.${dropped.column}` : ""}, which a statement before renames`,
  }));
}

function placeOf(row: LedgerRow, line: number): Pick<UndoLoss, "file" | "line" | "since"> {
  return { file: `${row.version}_${row.name}.sql`, line, since: row.appliedAt };
}

/** What one statement of a down section would lose now; empty when nothing. */
export async function lossesOf(
  session: Session,
  row: LedgerRow,
  statement: Statement,
  ownXids: readonly string[],
): Promise<UndoLoss[]> {
  const found: UndoLoss[] = [];
  const at = placeOf(row, statement.line);
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
    ...unknown.map(
      ({ file, line, text, isCountedLater }) =>
        `${text}${isCountedLater === true ? ": counted when it is its turn" : ", which cannot be counted"} (${file}:${line})`,
    ),
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
