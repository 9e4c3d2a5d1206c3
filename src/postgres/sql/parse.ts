import { hasSqlDetails, loadModule, parseSync, type Node } from "libpg-query";
import { countLines } from "./statements.ts";

/** One statement of a text as PostgreSQL's own parser understands it. */
export interface ParsedStatement {
  /** The statement's tree: an object with one key, its node type: `{ IndexStmt: {…} }`. */
  node: Node;
  /** As written, from its first word on, without the semicolon. */
  text: string;
  /** Index of its first character in the whole text. */
  start: number;
  /** Line and column of its first word, both counted from 1. */
  line: number;
  column: number;
}

export type ParsedSql =
  | { statements: ParsedStatement[] }
  /** PostgreSQL 18's grammar refuses the text; where, counted from 1. */
  | { problem: { line: number; column: number; text: string } };

/**
 * Parses SQL with PostgreSQL 18's parser (libpg-query). Positions in the trees (`location`) are byte offsets in
 * the UTF-8 text; use `indexOfByte` for them. `firstLine` is the line at which the text begins in its file.
 */
export async function parseSql(sql: string, firstLine = 1): Promise<ParsedSql> {
  await loadModule();
  const at = (index: number): { line: number; column: number } => ({
    line: firstLine + countLines(sql, index),
    column: index - (sql.lastIndexOf("\n", index - 1) + 1) + 1,
  });
  try {
    const { stmts = [] } = parseSync(sql);
    const toIndex = indexOfByte(sql);
    const statements = stmts.flatMap(({ stmt, stmt_location = 0, stmt_len }): ParsedStatement[] => {
      if (stmt === undefined) return [];
      const start = toIndex(stmt_location);
      const end = stmt_len === undefined ? sql.length : toIndex(stmt_location + stmt_len);
      const text = sql.slice(start, end);
      const skipped = text.length - text.trimStart().length;
      return [{ node: stmt, text: text.trim(), start: start + skipped, ...at(start + skipped) }];
    });
    return { statements };
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    const index = indexOfCharacter(sql, error.sqlDetails?.cursorPosition ?? 0);
    return { problem: { ...at(index), text: error.message } };
  }
}

/** From a byte offset in the UTF-8 text to an index into the JavaScript string. */
export function indexOfByte(sql: string): (byte: number) => number {
  // oxlint-disable-next-line no-control-regex -- ASCII is what needs no table
  if (/^[\x00-\x7f]*$/.test(sql)) return (byte) => byte;
  const bytes = Buffer.from(sql, "utf8");
  return (byte) => bytes.subarray(0, byte).toString("utf8").length;
}

/** PostgreSQL counts characters, JavaScript UTF-16 units. */
function indexOfCharacter(sql: string, characters: number): number {
  return Array.from(sql.slice(0, 2 * characters))
    .slice(0, characters)
    .join("").length;
}
