import { hasSqlDetails, loadModule, parseSync, type Node } from "libpg-query";
import { placesIn } from "./statements.ts";

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
  const at = placesIn(sql, firstLine);
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

/**
 * From a byte offset in the UTF-8 text to an index into the JavaScript string; of an offset within a character, to
 * that character. For many offsets in one text: keep the function, which reads the text once.
 */
export function indexOfByte(sql: string): (byte: number) => number {
  // oxlint-disable-next-line no-control-regex -- ASCII is what needs no table
  if (/^[\x00-\x7f]*$/.test(sql)) return (byte) => byte;
  let indexes: Uint32Array | undefined;
  return (byte) => {
    indexes ??= indexOfEachByte(sql);
    return indexes[Math.min(byte, indexes.length - 1)]!;
  };
}

/** With one more at the end, for the end of the text. */
function indexOfEachByte(sql: string): Uint32Array {
  const indexes = new Uint32Array(Buffer.byteLength(sql, "utf8") + 1);
  let byte = 0;
  let index = 0;
  for (const character of sql) {
    const code = character.codePointAt(0)!;
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
    indexes.fill(index, byte, byte + width);
    byte += width;
    index += character.length;
  }
  indexes[byte] = index;
  return indexes;
}

/** PostgreSQL counts characters, JavaScript UTF-16 units. */
function indexOfCharacter(sql: string, characters: number): number {
  return Array.from(sql.slice(0, 2 * characters))
    .slice(0, characters)
    .join("").length;
}
