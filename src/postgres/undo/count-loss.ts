import { parseSql } from "../sql/parse.ts";
import { readBackfilled } from "../backfill/checkpoint.ts";
import { sqlStateOf, type Session } from "../session/connect.ts";
import type { Dropped } from "../sql/dropped.ts";
import { quoted, quotedName, shownName } from "../sql/names.ts";
import { readTable, type ColumnShape } from "../sql/table.ts";

/** How many rows hold something that a statement would take away, and that was not there without the migration. */
export type Loss =
  | { rows: number }
  /** It cannot be counted, or its table is not there now. */
  | { unknown: string };

/**
 * Counts what would be lost now. Rows whose last change was made by one of the transactions `ownXids` are the
 * migration's own work and not counted; values equal to the column's default are not, nor those that rows
 * got when the column was added, nor those that a backfill of the column sets: the row still says them. What cannot be told apart is counted. Reads only, in a transaction.
 */
export async function countLoss(
  session: Session,
  dropped: Dropped,
  ownXids: readonly string[],
): Promise<Loss> {
  if (dropped.kind === "unseen") return { unknown: dropped.what };
  const table = await readTable(session, dropped.table);
  if (table === undefined) return { rows: 0 };
  const written = "xmin::text <> all ($1::text[])";
  if (dropped.kind === "table") return count(session, `${quotedName(table)} where ${written}`, ownXids);
  if (dropped.kind === "rows") {
    const where = dropped.where === undefined ? "" : ` and (${dropped.where})`;
    return count(session, `${quotedName(table)} where ${written}${where}`, ownXids);
  }
  const column = table.columns.find(({ name }) => name === dropped.column);
  if (column === undefined || column.isGenerated) return { rows: 0 };
  const value = `${quoted(column.name)}::text`;
  if (dropped.kind === "retyped") {
    const differs = `(${dropped.value})::text is distinct from ${value}`;
    return count(session, `${quotedName(table)} where ${written} and ${differs}`, ownXids);
  }
  const own = await notWritten(column);
  const isValue = [`${value} is not null`, ...own.map((text) => `${value} is distinct from ${text}`)];
  const from = `${quotedName(table)} where ${written} and ${isValue.join(" and ")}`;
  let least = await count(session, from, ownXids);
  for (const { expression, searchPath } of await readBackfilled(session, table.oid, column.name)) {
    const filled = `((\n${expression}\n)::${column.type})::text collate "C"`;
    const others = `${from} and ${value} collate "C" is distinct from ${filled}`;
    const loss = await count(session, others, ownXids, searchPath);
    // It fails when what it reads is gone by now: then nothing says which values are the backfill's.
    if ("rows" in loss && "rows" in least && loss.rows < least.rows) least = loss;
  }
  return least;
}

/** For people: "41 emails (users.email)". */
export function describeLoss(dropped: Exclude<Dropped, { kind: "unseen" }>, rows: number): string {
  const table = shownName(dropped.table);
  if (dropped.kind === "table" || dropped.kind === "rows")
    return `${rows} ${rows === 1 ? "row" : "rows"} of ${table}`;
  const noun = dropped.column.replaceAll("_", " ");
  return `${rows} ${rows === 1 ? noun : plural(noun)} (${table}.${dropped.column})`;
}

/** SQL expressions for what nobody wrote into the column. */
async function notWritten(column: ColumnShape): Promise<string[]> {
  const found: string[] = [];
  if (column.missing !== null) found.push(`'${column.missing.replaceAll("'", "''")}'`);
  if (column.default !== null && (await isConstant(column.default)))
    found.push(`((${column.default})::${column.type})::text`);
  return found;
}

/** now(), nextval() and the like give another value each time. */
async function isConstant(expression: string): Promise<boolean> {
  const parsed = await parseSql(`select ${expression}`);
  return "statements" in parsed && !/"(FuncCall|SQLValueFunction)"/.test(JSON.stringify(parsed.statements));
}

/** Within a savepoint: a condition that fails must not end the transaction. */
async function count(
  session: Session,
  from: string,
  ownXids: readonly string[],
  searchPath?: string,
): Promise<Loss> {
  await session.query("savepoint tminus_count");
  try {
    // Rows that it hides would not be counted: with this the database refuses instead.
    await session.query("set local row_security = off");
    if (searchPath !== undefined) await session.query(`set local search_path = ${searchPath}`);
    const [row] = await session.query<{ rows: number }>(`select count(*)::float8 as rows from ${from}`, [
      ownXids,
    ]);
    // Not released: the settings go back, too.
    await session.query("rollback to savepoint tminus_count");
    return { rows: row!.rows };
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    await session.query("rollback to savepoint tminus_count");
    return { unknown: `counting failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return noun.endsWith("s") ? noun : `${noun}s`;
}
