import { parseSync, type Node } from "libpg-query";
import { deparseSync } from "pgsql-deparser";
import { canonicalJson } from "../../../lib/hash.ts";
import type { Json } from "../../../model/json.ts";
import { TminusError } from "../../../errors.ts";

/**
 * A statement's tree as SQL on one line, with its semicolon. The SQL is parsed again and must give the same tree,
 * because the printer leaves out what it does not know. Expects the parser to be loaded, as it is in a rule. To
 * change a tree copy it first (structuredClone): the linter goes on with it.
 * Errors: SQL_UNPRINTABLE; the linter takes it as "no rewrite for this statement", so a rule need not catch it.
 */
export function sqlOf(node: Node): string {
  const sql = `${deparseSync(node, { pretty: false })};`;
  if (!saysTheSame(node, sql)) {
    throw new TminusError("SQL_UNPRINTABLE", `this cannot be written out again without loss: ${sql}`);
  }
  return sql;
}

/** An expression as SQL. Errors: SQL_UNPRINTABLE. */
export function expressionOf(expression: Node): string {
  const statement: Node = {
    SelectStmt: {
      targetList: [{ ResTarget: { val: expression } }],
      limitOption: "LIMIT_OPTION_DEFAULT",
      op: "SETOP_NONE",
    },
  };
  return sqlOf(statement).slice("SELECT ".length, -1).trim();
}

/** A type as SQL: "numeric(10, 2)". Errors: SQL_UNPRINTABLE. */
export function typeNameOf(typeName: Extract<Node, { TypeName: unknown }>["TypeName"]): string {
  const cast = expressionOf({ TypeCast: { arg: { A_Const: { isnull: true } }, typeName } });
  const written = /^(?:NULL::(.*)|CAST\(NULL AS (.*)\))$/s.exec(cast);
  if (written === null) return cast.slice(0, cast.lastIndexOf(" "));
  return written[1] ?? written[2]!;
}

function saysTheSame(node: Node, sql: string): boolean {
  try {
    const [statement, ...more] = parseSync(sql).stmts ?? [];
    return more.length === 0 && plain(statement?.stmt) === plain(node);
  } catch {
    // Not even SQL.
    return false;
  }
}

/** Without positions, which differ. */
function plain(node: Node | undefined): string {
  const text = JSON.stringify(node ?? null, (key, value: unknown) =>
    key === "location" || key.endsWith("_location") ? undefined : value,
  );
  return canonicalJson(JSON.parse(text) as Json);
}
