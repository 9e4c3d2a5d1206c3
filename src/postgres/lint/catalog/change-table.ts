import type { ColumnDef, Constraint as ConstraintTree } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import type { Catalog, Constraint, Table } from "./catalog.ts";
import { columnOf } from "./column-of.ts";
import { constraintOf } from "./constraint-of.ts";

/** Adds a column with the constraints behind it; one that is there stays as it is. */
export function addColumn(catalog: Catalog, table: Table, definition: ColumnDef, file: number): void {
  const column = columnOf(definition, file);
  if (table.columns.has(column.name)) return;
  table.columns.set(column.name, column);
  for (const node of definition.constraints ?? []) {
    const tree = treeOf(node, "Constraint");
    if (tree !== undefined) addConstraint(catalog, table, tree, file, column.name);
  }
}

/** Adds a constraint, with the index that it makes. */
export function addConstraint(
  catalog: Catalog,
  table: Table,
  tree: ConstraintTree,
  file: number,
  column?: string,
): void {
  const constraint = constraintOf(catalog, table, tree, file, column);
  if (constraint === undefined) return;
  table.constraints.set(constraint.name, constraint);
  if (constraint.kind === "primary" || (constraint.kind === "not-null" && constraint.isValid)) {
    for (const name of constraint.columns) setNotNull(table, name, true);
  }
  if (constraint.index !== undefined) placeIndex(catalog, table, constraint, tree, file);
}

/** Forgets a constraint and its index. */
export function dropConstraint(catalog: Catalog, table: Table, name: string): void {
  const constraint = table.constraints.get(name);
  if (constraint === undefined) return;
  table.constraints.delete(name);
  if (constraint.index !== undefined) catalog.indexes.delete(constraint.index);
  if (constraint.kind === "not-null")
    for (const column of constraint.columns) setNotNull(table, column, false);
}

/** Forgets a column and everything of the table that stands on it. */
export function dropColumn(catalog: Catalog, table: Table, name: string): void {
  table.columns.delete(name);
  for (const constraint of table.constraints.values()) {
    if (constraint.columns.includes(name)) dropConstraint(catalog, table, constraint.name);
  }
  for (const [key, index] of catalog.indexes) {
    if (index.table === table.key && index.columns.includes(name)) catalog.indexes.delete(key);
  }
}

/** Forgets a table, its indexes and the foreign keys that point to it. */
export function dropTable(catalog: Catalog, key: string): void {
  if (!catalog.tables.delete(key)) return;
  for (const [name, index] of catalog.indexes) if (index.table === key) catalog.indexes.delete(name);
  for (const other of catalog.tables.values()) {
    for (const constraint of other.constraints.values()) {
      if (constraint.references === key) other.constraints.delete(constraint.name);
    }
  }
}

/** Whether a column may be NULL. */
export function setNotNull(table: Table, column: string, notNull: boolean): void {
  const found = table.columns.get(column);
  if (found !== undefined) found.notNull = notNull;
}

/** USING INDEX takes an index over and gives it the constraint's name; everything else makes one. */
function placeIndex(
  catalog: Catalog,
  table: Table,
  constraint: Constraint,
  tree: ConstraintTree,
  file: number,
): void {
  const key = `${table.schema}.${constraint.name}`;
  const taken = catalog.indexes.get(constraint.index!);
  if (taken !== undefined) catalog.indexes.delete(taken.key);
  constraint.index = key;
  catalog.indexes.set(key, {
    key,
    name: constraint.name,
    table: table.key,
    columns: taken?.columns ?? constraint.columns,
    isUnique: constraint.kind !== "exclude",
    isPartial: taken?.isPartial ?? tree.where_clause !== undefined,
    method: tree.access_method ?? "btree",
    ...(taken?.tree === undefined ? {} : { tree: taken.tree }),
    madeIn: taken?.madeIn ?? file,
  });
}
