import { parseSql, type ParsedStatement } from "../sql/parse.ts";
import { readPlPgSql } from "../sql/plpgsql.ts";
import { countLines } from "../sql/statements.ts";
import { treeOf } from "../sql/tree.ts";
import type { LintStatement } from "./define-rule.ts";
import type { LintFile } from "./lint-file.ts";

/** The statements of a file, or where PostgreSQL's parser stops. */
export async function statementsOf(
  file: LintFile,
): Promise<{ statements: LintStatement[] } | { problem: { line: number; column: number; text: string } }> {
  const parsed = await parseSql(file.sql, file.firstLine);
  if ("problem" in parsed) return parsed;
  const statements: LintStatement[] = [];
  const transactionOf = numberTransactions(file.transactional);
  for (const [index, statement] of parsed.statements.entries()) {
    const transaction = transactionOf(statement);
    statements.push({ ...statement, index, transaction });
    for (const inner of await bodyStatements(statement)) {
      statements.push({ ...inner, index, transaction: transaction ?? -1 - index, inBody: true });
    }
  }
  return { statements };
}

/**
 * Which transaction a statement is in: the file's own, or one that the file begins itself. BEGIN in a file that
 * runs in one transaction already changes nothing, COMMIT ends it: what follows is outside.
 */
function numberTransactions(isTransactional: boolean): (statement: ParsedStatement) => number | undefined {
  let isOpen = isTransactional;
  let number = 0;
  return ({ node }) => {
    const kind = treeOf(node, "TransactionStmt")?.kind;
    if ((kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") && !isOpen) {
      isOpen = true;
      number++;
    }
    const current = isOpen ? number : undefined;
    if (kind === "TRANS_STMT_COMMIT" || kind === "TRANS_STMT_ROLLBACK" || kind === "TRANS_STMT_PREPARE")
      isOpen = false;
    return current;
  };
}

/** What is written out in the body of a DO block, at its place in the file. */
async function bodyStatements(block: ParsedStatement): Promise<ParsedStatement[]> {
  if (treeOf(block.node, "DoStmt") === undefined) return [];
  const body = readPlPgSql(block.text);
  const opened = /\$[^$]*\$/.exec(block.text);
  const firstLine = block.line + (opened === null ? 0 : countLines(block.text, opened.index));
  const found: ParsedStatement[] = [];
  for (const { sql, line } of body?.statements ?? []) {
    const parsed = await parseSql(sql, firstLine + line - 1);
    // PL/pgSQL has words of its own (SELECT … INTO): what SQL's parser refuses is passed over.
    if ("statements" in parsed) {
      found.push(
        ...parsed.statements.map((each) => ({
          ...each,
          start: block.start,
          line: firstLine + line - 1,
          column: 1,
        })),
      );
    }
  }
  return found;
}
