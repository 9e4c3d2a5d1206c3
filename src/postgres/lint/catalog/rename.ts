import type { Constraint, Node } from "libpg-query";
import { textsOf, treeOf } from "../../sql/tree.ts";
import { renameTable } from "./alter-table.ts";
import { keyOf, typeKeyOf, type Catalog, type Table } from "./catalog.ts";
import { replaceColumns, replaceNames } from "./replace-columns.ts";

/** ALTER … RENAME of tables, columns, constraints, indexes, enums and their values. */
export function applyRename(catalog: Catalog, node: Node): void {
  const tree = treeOf(node, "RenameStmt");
  if (tree === undefined) return;
  const to = tree.newname ?? "";
  const key = keyOf(catalog, tree.relation);
  const table = catalog.tables.get(key);
  switch (tree.renameType) {
    case "OBJECT_TABLE":
      if (table !== undefined) renameTable(catalog, table, table.schema, to);
      return;
    case "OBJECT_COLUMN":
      if (table !== undefined) renameColumn(catalog, table, tree.subname ?? "", to);
      return;
    case "OBJECT_TABCONSTRAINT":
      if (table !== undefined) renameConstraint(table, tree.subname ?? "", to);
      return;
    case "OBJECT_INDEX":
      return renameIndex(catalog, key, to);
    case "OBJECT_TYPE":
      return renameType(catalog, typeKeyOf(catalog, textsOf(treeOf(tree.object, "List")?.items)), to);
    default:
  }
}

function renameColumn(catalog: Catalog, table: Table, from: string, to: string): void {
  const swap = (name: string): string => (name === from ? to : name);
  const columns = [...table.columns.values()];
  table.columns.clear();
  for (const column of columns) {
    if (column.name === from) column.formerNames.push(from);
    column.name = swap(column.name);
    table.columns.set(column.name, column);
  }
  for (const constraint of table.constraints.values()) {
    const { columns, tree, expression } = constraint;
    constraint.columns = columns.map(swap);
    if (expression !== undefined) constraint.expression = replaceColumns(expression, swap);
    constraint.tree = renamedIn(tree, swap);
  }
  for (const index of catalog.indexes.values()) {
    if (index.table !== table.key) continue;
    index.columns = index.columns.map((name) => (name === undefined ? undefined : swap(name)));
    if (index.tree !== undefined) index.tree = replaceColumns(index.tree, swap);
  }
}

function renamedIn(tree: Constraint, swap: (name: string) => string): Constraint {
  const renamed = replaceColumns(tree, swap);
  for (const key of ["keys", "including", "fk_attrs", "fk_del_set_cols"] as const) {
    if (tree[key] !== undefined) renamed[key] = replaceNames(tree[key], swap);
  }
  return renamed;
}

function renameConstraint(table: Table, from: string, to: string): void {
  const constraint = table.constraints.get(from);
  if (constraint === undefined) return;
  table.constraints.delete(from);
  table.constraints.set(to, { ...constraint, name: to });
}

function renameIndex(catalog: Catalog, key: string, to: string): void {
  const index = catalog.indexes.get(key);
  if (index === undefined) return;
  catalog.indexes.delete(key);
  const renamed = { ...index, name: to, key: key.slice(0, key.indexOf(".") + 1) + to };
  catalog.indexes.set(renamed.key, renamed);
}

function renameType(catalog: Catalog, key: string, to: string): void {
  const found = catalog.enums.get(key);
  if (found === undefined) return;
  catalog.enums.delete(key);
  const renamed = { ...found, key: key.slice(0, key.indexOf(".") + 1) + to };
  catalog.enums.set(renamed.key, renamed);
}
