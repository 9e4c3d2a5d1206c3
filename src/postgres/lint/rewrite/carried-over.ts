import type { Constraint as ConstraintTree, IndexStmt, Node } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import type { Catalog, Constraint, Index, Table } from "../catalog/catalog.ts";
import type { FileReplacement } from "../define-rule.ts";
import { namesOf, type Hanging } from "./hangs-on-column.ts";
import { literal } from "./literal.ts";
import { keyOfIndex } from "./key-of-index.ts";
import { besideName, named, relationNamed } from "./names-in-sql.ts";
import { replaceColumns, replaceNames } from "../catalog/replace-columns.ts";
import { sqlOf } from "./sql-of.ts";

/** What hangs on a column, made a second time on the column that takes its place. */
export interface CarriedOver {
  /** Files that make the indexes, each outside a transaction. */
  indexes: FileReplacement[];
  /** Files that make checks and foreign keys without looking at the rows, and then look. */
  constraints: FileReplacement[];
  /** Statements that give what was made the old names; the old ones have to be out of the way. */
  takeNames: string[];
  /** Statements that move the old ones out of the way when the old column is not dropped yet. */
  giveNames: string[];
}

/** `to`: the column that takes the place. Errors: SQL_UNPRINTABLE. */
export function carryOver(catalog: Catalog, hanging: Hanging, to: string): CarriedOver {
  const { table, column } = hanging;
  const carried: CarriedOver = { indexes: [], constraints: [], takeNames: [], giveNames: [] };
  const old = namesOf(column);
  const current = currentNames(table);
  const rename = (name: string): string => (old.has(name) ? to : (current.get(name) ?? name));
  for (const index of hanging.indexes) carryIndex(catalog, carried, table, index, rename);
  for (const constraint of hanging.constraints) {
    if (constraint.kind === "unique") carryUnique(catalog, carried, table, constraint, rename);
    else carryConstraint(carried, table, constraint, rename);
  }
  return carried;
}

/** Former names of the other columns to the ones that they have now. */
function currentNames(table: Table): Map<string, string> {
  const names = new Map<string, string>();
  for (const { name, formerNames } of table.columns.values()) {
    for (const former of formerNames) if (!table.columns.has(former)) names.set(former, name);
  }
  return names;
}

function carryIndex(
  catalog: Catalog,
  { indexes, takeNames, giveNames }: CarriedOver,
  table: Table,
  index: Index,
  rename: (name: string) => string,
): void {
  const name = freeIndexName(catalog, index.key, "new");
  indexes.push(indexFile(table, name, replaceColumns(index.tree!, rename)));
  const schema = named(table.schema);
  giveNames.push(
    `alter index ${relationNamed(index.key)} rename to ${named(freeIndexName(catalog, index.key, "old"))};`,
  );
  takeNames.push(`alter index ${schema}.${named(name)} rename to ${named(index.name)};`);
  if (index.comment !== undefined)
    takeNames.push(`comment on index ${relationNamed(index.key)} is ${literal(index.comment)};`);
}

function carryUnique(
  catalog: Catalog,
  { indexes, takeNames, giveNames }: CarriedOver,
  table: Table,
  constraint: Constraint,
  rename: (name: string) => string,
): void {
  const { tree, name, columns } = constraint;
  const known = catalog.indexes.get(constraint.index ?? "");
  const temporary = freeIndexName(catalog, `${table.schema}.${name}`, "new");
  const made: IndexStmt = known?.tree ?? {
    relation: {},
    accessMethod: "btree",
    indexParams: columns.map((each) => ({
      IndexElem: { name: each, ordering: "SORTBY_DEFAULT", nulls_ordering: "SORTBY_NULLS_DEFAULT" },
    })),
    ...(tree.including === undefined
      ? {}
      : {
          indexIncludingParams: tree.including.map((each) => ({
            IndexElem: {
              name: treeOf(each, "String")?.sval ?? "",
              ordering: "SORTBY_DEFAULT",
              nulls_ordering: "SORTBY_NULLS_DEFAULT",
            },
          })),
        }),
    unique: true,
    ...(tree.nulls_not_distinct === true ? { nulls_not_distinct: true } : {}),
  };
  indexes.push(indexFile(table, temporary, replaceColumns(made, rename)));
  const at = relationNamed(table.key);
  giveNames.push(`alter table ${at} drop constraint ${named(name)};`);
  takeNames.push(keyOfIndex(table.key, tree, name, temporary));
  takeNames.push(...constraintComment(table, constraint));
}

function carryConstraint(
  { constraints, takeNames, giveNames }: CarriedOver,
  table: Table,
  constraint: Constraint,
  rename: (name: string) => string,
): void {
  const { tree, name, kind, isValid, references } = constraint;
  const temporary = besideName(name, "new", (free) => table.constraints.has(free));
  const [schemaname = "", relname = ""] = references?.split(/\.(.*)/s) ?? [];
  const made: ConstraintTree = {
    ...replaceColumns(tree, rename),
    conname: temporary,
    skip_validation: true,
    ...(kind === "foreign"
      ? {
          fk_attrs: replaceNames(
            tree.fk_attrs ?? constraint.columns.map((each) => ({ String: { sval: each } })),
            rename,
          ),
          ...(tree.fk_del_set_cols === undefined
            ? {}
            : { fk_del_set_cols: replaceNames(tree.fk_del_set_cols, rename) }),
          pktable: { ...tree.pktable, schemaname, relname },
        }
      : {}),
  };
  // Only said of one that was looked at.
  delete made.initially_valid;
  const at = relationNamed(table.key);
  const add = sqlOf(alterTable(table, made));
  const drop = `alter table ${at} drop constraint ${named(temporary)};`;
  constraints.push({
    suffix: kind === "foreign" ? "reference" : "check",
    transactional: true,
    phase: "contract",
    sql: add,
    down: drop,
  });
  if (isValid)
    constraints.push({
      suffix: "validate",
      transactional: true,
      phase: "contract",
      sql: `alter table ${at} validate constraint ${named(temporary)};`,
      down: `${drop}\n${add}`,
    });
  giveNames.push(`alter table ${at} drop constraint ${named(name)};`);
  takeNames.push(`alter table ${at} rename constraint ${named(temporary)} to ${named(name)};`);
  takeNames.push(...constraintComment(table, constraint));
}

function constraintComment(table: Table, { name, comment }: Constraint): string[] {
  if (comment === undefined) return [];
  return [`comment on constraint ${named(name)} on ${relationNamed(table.key)} is ${literal(comment)};`];
}

function indexFile(table: Table, name: string, made: IndexStmt): FileReplacement {
  const tree: IndexStmt = {
    ...made,
    idxname: name,
    relation: { relname: table.name, schemaname: table.schema, inh: true, relpersistence: "p" },
    concurrent: true,
  };
  delete tree.if_not_exists;
  return {
    suffix: "index",
    transactional: false,
    sql: sqlOf({ IndexStmt: tree }),
    down: `drop index concurrently ${named(table.schema)}.${named(name)};`,
  };
}

function alterTable({ schema, name }: Table, def: ConstraintTree): Node {
  return {
    AlterTableStmt: {
      relation: { relname: name, schemaname: schema, inh: true, relpersistence: "p" },
      cmds: [
        {
          AlterTableCmd: { subtype: "AT_AddConstraint", def: { Constraint: def }, behavior: "DROP_RESTRICT" },
        },
      ],
      objtype: "OBJECT_TABLE",
    },
  };
}

function freeIndexName(catalog: Catalog, key: string, label: string): string {
  const [schema = "", name = ""] = key.split(/\.(.*)/s);
  const isTaken = (free: string): boolean =>
    [catalog.indexes, catalog.tables, catalog.views].some((map) => map.has(`${schema}.${free}`));
  return besideName(name, label, isTaken);
}
