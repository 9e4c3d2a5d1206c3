import { parsePlPgSQLSync } from "libpg-query";

/** What a PL/pgSQL body does, as far as it can be read without running it. */
export interface PlPgSqlBody {
  /** Line in the body, counted from 1, of the first COMMIT or ROLLBACK. */
  transactionControlLine?: number;
  /** SQL statements that are written out in the body, with their line in it. */
  statements: { sql: string; line: number }[];
  /** Conditions and bodies of its loops as one text each: what is repeated. */
  loops: { line: number; statements: string[] }[];
}

/**
 * Reads the body of a DO block or of a function: `sql` is the whole statement. Undefined when it is in another
 * language or PostgreSQL's parser refuses it. The parser must have been loaded by `parseSql` before.
 */
export function readPlPgSql(sql: string): PlPgSqlBody | undefined {
  let tree: unknown;
  try {
    tree = parsePlPgSQLSync(sql);
  } catch {
    // Not PL/pgSQL, or a body that only fails when it runs: nothing can be said about it.
    return undefined;
  }
  const body: PlPgSqlBody = { statements: [], loops: [] };
  collect(tree, body, undefined);
  return body;
}

const LOOPS = new Set(["PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_fori", "PLpgSQL_stmt_fors"]);

function collect(value: unknown, body: PlPgSqlBody, loop: PlPgSqlBody["loops"][number] | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, body, loop);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value as Record<string, Record<string, unknown> | undefined>)) {
    if (typeof inner !== "object" || inner === null) continue;
    const line = typeof inner.lineno === "number" ? inner.lineno : 1;
    if (key === "PLpgSQL_stmt_commit" || key === "PLpgSQL_stmt_rollback")
      body.transactionControlLine ??= line;
    const sql = key === "PLpgSQL_stmt_execsql" ? queryOf(inner.sqlstmt) : undefined;
    if (sql !== undefined) {
      body.statements.push({ sql, line });
      loop?.statements.push(sql);
    }
    if (LOOPS.has(key)) {
      const inside = { line, statements: [] };
      body.loops.push(inside);
      collect(inner, body, inside);
    } else collect(inner, body, loop);
  }
}

function queryOf(expression: unknown): string | undefined {
  const query = (expression as { PLpgSQL_expr?: { query?: unknown } } | undefined)?.PLpgSQL_expr?.query;
  return typeof query === "string" ? query : undefined;
}
