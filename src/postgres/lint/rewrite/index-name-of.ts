import type { IndexStmt, Node } from "libpg-query";
import { textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog } from "../catalog/catalog.ts";
import { chosenName } from "./chosen-name.ts";

/**
 * The name that PostgreSQL gives to an index that is written without one, as far as the files tell which names are
 * taken; undefined when an expression is of a kind whose name is not known here. `table`: "schema.name" of the table
 * that gets the index, when it is not the one that the statement names.
 */
export function indexNameOf(
  catalog: Catalog,
  tree: IndexStmt,
  table = keyOf(catalog, tree.relation),
): string | undefined {
  const elements = [...(tree.indexParams ?? []), ...(tree.indexIncludingParams ?? [])];
  const columns: string[] = [];
  for (const node of elements) {
    const element = treeOf(node, "IndexElem");
    const name = element?.name ?? nameOfExpression(element?.expr);
    if (name === undefined) return undefined;
    columns.push(freeIn(columns, name));
  }
  const [schema = "", relation = ""] = table.split(/\.(.*)/s);
  return chosenName(relation, columns, "idx", (name) => isTaken(catalog, `${schema}.${name}`));
}

/** Whether a relation has the name, as far as the files tell. Takes "schema.name". */
export function isTaken({ tables, indexes, views }: Catalog, key: string): boolean {
  return tables.has(key) || indexes.has(key) || views.has(key);
}

function freeIn(columns: readonly string[], name: string): string {
  if (!columns.includes(name)) return name;
  for (let number = 1; ; number++) {
    if (!columns.includes(`${name}${number}`)) return `${name}${number}`;
  }
}

/** As FigureIndexColname does: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/parser/parse_target.c */
function nameOfExpression(expression: Node | undefined): string | undefined {
  if (expression === undefined) return undefined;
  const call = treeOf(expression, "FuncCall");
  if (call !== undefined) return textsOf(call.funcname).at(-1);
  if (treeOf(expression, "CoalesceExpr") !== undefined) return "coalesce";
  const column = treeOf(expression, "ColumnRef");
  if (column !== undefined) return textsOf(column.fields).at(-1);
  const cast = treeOf(expression, "TypeCast");
  if (cast !== undefined) {
    const inner = nameOfExpression(cast.arg);
    return inner === "expr" ? textsOf(cast.typeName?.names).at(-1) : inner;
  }
  const collated = treeOf(expression, "CollateClause");
  if (collated !== undefined) return nameOfExpression(collated.arg);
  const operator = treeOf(expression, "A_Expr");
  if (operator !== undefined) return operator.kind === "AEXPR_NULLIF" ? "nullif" : "expr";
  return treeOf(expression, "BoolExpr") !== undefined || treeOf(expression, "NullTest") !== undefined
    ? "expr"
    : undefined;
}
