import type { Constraint as ConstraintTree } from "libpg-query";
import { columnsIn, textsOf } from "../../sql/tree.ts";
import { keyOf, type Catalog, type Constraint, type Table } from "./catalog.ts";

const KINDS: Partial<Record<NonNullable<ConstraintTree["contype"]>, Constraint["kind"]>> = {
  CONSTR_CHECK: "check",
  CONSTR_NOTNULL: "not-null",
  CONSTR_UNIQUE: "unique",
  CONSTR_PRIMARY: "primary",
  CONSTR_FOREIGN: "foreign",
  CONSTR_EXCLUSION: "exclude",
};

/** A constraint as its definition makes it; `column` is the one behind which it is written. */
export function constraintOf(
  catalog: Catalog,
  table: Table,
  tree: ConstraintTree,
  madeIn: number,
  column?: string,
): Constraint | undefined {
  const kind = tree.contype === undefined ? undefined : KINDS[tree.contype];
  if (kind === undefined) return undefined;
  const using = tree.indexname === undefined ? undefined : `${table.schema}.${tree.indexname}`;
  const columns = columnsOf(catalog, tree, kind, using, column);
  const name = tree.conname ?? freeName(table, defaultName(table.name, kind, columns));
  return {
    name,
    kind,
    columns,
    isValid: tree.skip_validation !== true,
    ...(tree.raw_expr === undefined ? {} : { expression: tree.raw_expr }),
    ...(kind === "foreign" ? { references: keyOf(catalog, tree.pktable) } : {}),
    ...(kind === "unique" || kind === "primary" || kind === "exclude"
      ? { index: using ?? `${table.schema}.${name}` }
      : {}),
    madeIn,
  };
}

function columnsOf(
  catalog: Catalog,
  tree: ConstraintTree,
  kind: Constraint["kind"],
  index: string | undefined,
  column: string | undefined,
): string[] {
  if (column !== undefined) return [column];
  if (kind === "foreign") return textsOf(tree.fk_attrs);
  if (kind === "check") return columnsIn(tree.raw_expr);
  if (index !== undefined) {
    return (catalog.indexes.get(index)?.columns ?? []).filter((name) => name !== undefined);
  }
  return textsOf(tree.keys);
}

/** PostgreSQL's own rule: https://www.postgresql.org/docs/18/sql-createtable.html */
function defaultName(table: string, kind: Constraint["kind"], columns: readonly string[]): string {
  switch (kind) {
    case "primary":
      return `${table}_pkey`;
    case "check":
      return columns.length === 1 ? `${table}_${columns[0]}_check` : `${table}_check`;
    case "not-null":
      return `${table}_${columns.join("_")}_not_null`;
    case "unique":
      return `${table}_${columns.join("_")}_key`;
    case "foreign":
      return `${table}_${columns.join("_")}_fkey`;
    case "exclude":
      return `${table}_${columns.join("_")}_excl`;
  }
}

function freeName(table: Table, name: string): string {
  if (!table.constraints.has(name)) return name;
  for (let number = 1; ; number++) {
    if (!table.constraints.has(`${name}${number}`)) return `${name}${number}`;
  }
}
