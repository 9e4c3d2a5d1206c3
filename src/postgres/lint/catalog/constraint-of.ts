import type { Constraint as ConstraintTree } from "libpg-query";
import { columnsIn, textsOf } from "../../sql/tree.ts";
import { chosenName } from "../rewrite/chosen-name.ts";
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
  const including = textsOf(tree.including);
  const name = tree.conname ?? nameFor(catalog, table, kind, [...columns, ...including]);
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
    tree,
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
  // Also for one behind a column PostgreSQL looks at the expression.
  if (kind === "check") return columnsIn(tree.raw_expr);
  if (column !== undefined) return [column];
  if (kind === "foreign") return textsOf(tree.fk_attrs);
  if (index !== undefined) {
    return (catalog.indexes.get(index)?.columns ?? []).filter((name) => name !== undefined);
  }
  return textsOf(tree.keys);
}

const LABELS: Record<Constraint["kind"], string> = {
  primary: "pkey",
  check: "check",
  "not-null": "not_null",
  unique: "key",
  foreign: "fkey",
  exclude: "excl",
};

/** The name that PostgreSQL chooses, as far as the files tell which names are taken. */
function nameFor(
  catalog: Catalog,
  { name, schema }: Table,
  kind: Constraint["kind"],
  columns: readonly string[],
): string {
  const isOverall = kind === "primary" || (kind === "check" && columns.length !== 1);
  const isIndex = kind === "primary" || kind === "unique" || kind === "exclude";
  return chosenName(name, isOverall ? [] : columns, LABELS[kind], (wanted) => {
    const key = `${schema}.${wanted}`;
    const isRelation = catalog.tables.has(key) || catalog.indexes.has(key) || catalog.views.has(key);
    return (isIndex && isRelation) || hasConstraint(catalog, schema, wanted);
  });
}

function hasConstraint({ tables }: Catalog, schema: string, name: string): boolean {
  for (const table of tables.values())
    if (table.constraints.has(name) && table.schema === schema) return true;
  return false;
}
