import type { Node, RangeVar } from "libpg-query";
import { columnsIn, textsOf, treeOf, walk } from "../../sql/tree.ts";
import {
  indexesOf,
  keyOf,
  shown,
  type Catalog,
  type Column,
  type Constraint,
  type Index,
  type Table,
} from "../catalog/catalog.ts";

/** What goes with a column when another column takes its place. */
export interface Hanging {
  table: Table;
  column: Column;
  /** Those of no constraint. */
  indexes: Index[];
  /** Checks, unique constraints, and foreign keys that begin at the column. */
  constraints: Constraint[];
}

/**
 * What hangs on a column as far as the files tell, or why another column cannot take its place: something hangs on
 * it that would be lost, or the files do not tell enough.
 */
export function hangsOnColumn(catalog: Catalog, key: string, name: string): Hanging | { reason: string } {
  const table = catalog.tables.get(key);
  const column = table?.columns.get(name);
  if (table === undefined || column === undefined || !table.isComplete)
    return {
      reason: `What hangs on ${shown(key)}.${name} is not known, because no file here shows how it is made.`,
    };
  const what = whatIsLost(catalog, table, column);
  if (what !== undefined)
    return {
      reason: `${what}: it would be lost or stand in the way when another column takes the place of ${shown(key)}.${name}.`,
    };
  return {
    table,
    column,
    indexes: indexesOf(catalog, key).filter(
      (index) => index.tree !== undefined && isOn(index, column) && !isOfConstraint(table, index),
    ),
    constraints: [...table.constraints.values()].filter(
      ({ kind, columns }) => kind !== "not-null" && columns.some((each) => namesOf(column).has(each)),
    ),
  };
}

/** The name that a column has, and those that it had. */
export function namesOf({ name, formerNames }: Column): Set<string> {
  return new Set([name, ...formerNames]);
}

function whatIsLost(catalog: Catalog, table: Table, column: Column): string | undefined {
  return (
    ofTable(catalog, table) ??
    ofColumn(table, column) ??
    ofConstraints(catalog, table, column) ??
    ofIndexes(catalog, table, column) ??
    ofCode(catalog, table, column)
  );
}

function ofTable(catalog: Catalog, table: Table): string | undefined {
  if (table.isPartitioned || table.partitionOf !== undefined) return "The table is partitioned";
  if (table.isChild === true) return "The table inherits from another one";
  if (table.hasChildren) return "Another table inherits from it";
  if (
    catalog.published.has("*") ||
    [table.key, ...table.formerKeys].some((key) => catalog.published.has(key))
  )
    return "The table is in a publication, whose subscribers do not have the new column";
  if (table.attached.length > 0)
    return "Statistics, a rule, settings of an index or constraint, a replica identity or a CLUSTER order hangs on the table";
  if (![...table.constraints.values()].some(({ kind }) => kind === "primary"))
    return "The table has no primary key, by which db.contract keeps the old values";
  return undefined;
}

function ofColumn(table: Table, column: Column): string | undefined {
  if (column.isNumbered) return "The column takes its numbers from a sequence of its own";
  if (column.isGenerated) return "The column is generated";
  if (column.isTuned) return "The column has storage settings, a statistics target or privileges of its own";
  const names = namesOf(column);
  const isAmbiguous = [...table.columns.values()].some(
    (other) =>
      other !== column && (names.has(other.name) || other.formerNames.some((former) => names.has(former))),
  );
  if (isAmbiguous) return "Another column of the table has or had a name of this one";
  const reader = [...table.columns.values()].find(
    ({ definition, isGenerated }) =>
      isGenerated && columnsIn(definition.constraints).some((each) => names.has(each)),
  );
  return reader === undefined ? undefined : `The generated column ${reader.name} reads it`;
}

function ofConstraints(catalog: Catalog, table: Table, column: Column): string | undefined {
  const names = namesOf(column);
  for (const { kind, columns, name, tree } of table.constraints.values()) {
    if (!columns.some((each) => names.has(each))) continue;
    if (kind === "primary") return `It belongs to the primary key ${name}`;
    if (kind === "exclude") return `It belongs to the exclusion constraint ${name}`;
    if (tree.options !== undefined || tree.indexspace !== undefined)
      return `The index of ${name} has settings of its own`;
  }
  for (const other of catalog.tables.values()) {
    for (const { references, tree, name } of other.constraints.values()) {
      if (references === table.key && textsOf(tree.pk_attrs).some((each) => names.has(each)))
        return `The foreign key ${name} of ${shown(other.key)} points to it`;
    }
  }
  return undefined;
}

/** PostgreSQL names it after the expression. */
function ofIndexes(catalog: Catalog, table: Table, column: Column): string | undefined {
  const isNameless = indexesOf(catalog, table.key).some(
    (index) =>
      index.tree !== undefined &&
      index.tree.idxname === undefined &&
      index.columns.includes(undefined) &&
      isOn(index, column),
  );
  return isNameless ? "An index over an expression was made without a name" : undefined;
}

function ofCode(catalog: Catalog, table: Table, column: Column): string | undefined {
  const names = namesOf(column);
  for (const policy of table.policies.values()) {
    if (columnsIn([policy.using, policy.withCheck]).some((each) => names.has(each)))
      return `The policy ${policy.name} names it`;
  }
  for (const [name, trigger] of table.triggers) {
    const named = [...textsOf(trigger.columns), ...columnsIn(trigger.whenClause)];
    if (named.some((each) => names.has(each))) return `The trigger ${name} names it`;
    if (name >= "zz_") return `The trigger ${name} would run after the one that keeps both columns equal`;
  }
  for (const view of catalog.views.values()) {
    if (mentions(catalog, view.query, table, names)) return `The view ${shown(view.key)} reads it`;
  }
  for (const { key, body } of catalog.functions.values()) {
    if (mentions(catalog, body, table, names)) return `The function ${shown(key)} reads it`;
  }
  return undefined;
}

/** Whether a query reads one of the columns of the table, also by a star, as a whole row or by a NATURAL JOIN. */
function mentions(
  catalog: Catalog,
  query: Node | undefined,
  table: Table,
  columns: ReadonlySet<string>,
): boolean {
  const keys = new Set([table.key, ...table.formerKeys]);
  const aliases = new Set<string>();
  let isNamed = false;
  let isAll = false;
  walk(query, (kind, fields) => {
    const range = (kind === "RangeVar" ? fields : fields.relation) as RangeVar | undefined;
    if (range?.relname !== undefined) {
      if (!keys.has(keyOf(catalog, range)) && !keys.has(`public.${range.relname}`)) return;
      isNamed = true;
      aliases.add(range.alias?.aliasname ?? range.relname);
    }
    if (kind === "JoinExpr") {
      if (
        fields.isNatural === true ||
        textsOf(fields.usingClause as Node[]).some((each) => columns.has(each))
      )
        isAll = true;
    } else if (kind === "A_Star") isAll = true;
  });
  if (!isNamed) return false;
  return isAll || columnsIn(query).some((each) => columns.has(each) || aliases.has(each));
}

function isOn(index: Index, column: Column): boolean {
  const names = namesOf(column);
  return (
    index.columns.some((each) => each !== undefined && names.has(each)) ||
    columnsIn(index.tree).some((each) => names.has(each)) ||
    (index.tree?.indexIncludingParams ?? []).some((each) => names.has(treeOf(each, "IndexElem")?.name ?? ""))
  );
}

function isOfConstraint(table: Table, { key }: Index): boolean {
  return [...table.constraints.values()].some(({ index }) => index === key);
}
