import type { CommentStmt, Node } from "libpg-query";
import { rangeOf, textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog, type Column, type Constraint, type Index } from "./catalog.ts";

/** What else hangs on tables and columns: comments, column privileges, statistics and rules. */
export function applyAttached(catalog: Catalog, node: Node): void {
  const comment = treeOf(node, "CommentStmt");
  if (comment !== undefined) {
    const target = commented(catalog, comment);
    if (target !== undefined && comment.comment === undefined) delete target.comment;
    else if (target !== undefined) target.comment = comment.comment!;
  }
  const grant = treeOf(node, "GrantStmt");
  const columns = (grant?.privileges ?? []).flatMap((each) => textsOf(treeOf(each, "AccessPriv")?.cols));
  for (const object of columns.length === 0 ? [] : (grant?.objects ?? [])) {
    const table = catalog.tables.get(keyOf(catalog, treeOf(object, "RangeVar")));
    for (const name of columns) {
      const column = table?.columns.get(name);
      if (column !== undefined) column.isTuned = true;
    }
  }
  const rule = treeOf(node, "RuleStmt");
  if (rule !== undefined) catalog.tables.get(keyOf(catalog, rule.relation))?.attached.push(node);
  for (const each of treeOf(node, "CreateStatsStmt")?.relations ?? [])
    catalog.tables.get(keyOf(catalog, treeOf(each, "RangeVar")))?.attached.push(node);
}

function commented(
  catalog: Catalog,
  { object, objtype }: CommentStmt,
): Column | Constraint | Index | undefined {
  const names = textsOf(treeOf(object, "List")?.items);
  if (objtype === "OBJECT_INDEX") return catalog.indexes.get(keyOf(catalog, rangeOf(names)));
  if (objtype !== "OBJECT_COLUMN" && objtype !== "OBJECT_TABCONSTRAINT") return undefined;
  // Written as the table's name, followed by its own.
  const table = catalog.tables.get(keyOf(catalog, rangeOf(names.slice(0, -1))));
  const own = names.at(-1) ?? "";
  return objtype === "OBJECT_COLUMN" ? table?.columns.get(own) : table?.constraints.get(own);
}
