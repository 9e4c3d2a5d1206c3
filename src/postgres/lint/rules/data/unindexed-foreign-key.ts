import type { Node } from "libpg-query";
import { columnsIn, rangeOf, textsOf, treeOf } from "../../../sql/tree.ts";
import { indexesOf, keyOf, shown, type Catalog } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";
import type { RuleFinding } from "../../finding.ts";
import { foreignKeysMade } from "../../facts/foreign-keys-made.ts";

export const unindexedForeignKey = defineRule({
  id: "unindexed-foreign-key",
  summary: "A foreign key whose columns have no index.",
  severity: "note",
  requirements: ["C6"],
  why: "Every delete in the other table, and every change of its key, reads this whole table.",
  bad: [
    {
      sql: "alter table items add constraint items_order foreign key (order_id) references orders (id) not valid;",
      effect: { shows: "select not exists (select from pg_index where indrelid = 'items'::regclass)" },
    },
    {
      sql: "create table notes (id bigint primary key, user_id bigint references users (id));",
      effect: {
        shows:
          "select not exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] where i.indrelid = to_regclass('notes') and a.attname = 'user_id')",
      },
    },
    {
      sql: "alter table items add column user_id bigint references users (id);",
      effect: { shows: "select not exists (select from pg_index where indrelid = 'items'::regclass)" },
    },
    {
      sql: { outside: "drop index concurrently orders_user_id_idx;" },
      effect: {
        shows:
          "select not exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] where i.indrelid = 'orders'::regclass and a.attname = 'user_id')",
      },
    },
  ],
  good: [
    {
      sql: [
        {
          outside: "create index concurrently items_order_id on items (order_id) where order_id is not null;",
        },
        "alter table items add constraint items_order foreign key (order_id) references orders (id) not valid; create table notes (user_id bigint primary key references users (id));",
      ],
    },
  ],
  check(statement, context) {
    const made = foreignKeysMade(statement, context.catalog).flatMap(
      ({ table, columns: [column], parent, place }): RuleFinding[] => {
        if (column === undefined || hasIndex(context.catalog, table, column, [])) return [];
        return comesWithFile(context, table, column) ? [] : [{ ...place, ...said(table, column, parent) }];
      },
    );
    return [...made, ...lostIndexes(statement, context)];
  },
});

function said(table: string, column: string, parent: string) {
  return {
    column,
    message: `no index of ${shown(table)} begins with ${column}: every delete in ${shown(parent)} reads all of ${shown(table)}`,
    hint: `CREATE INDEX CONCURRENTLY … ON ${shown(table)} (${column}) in a file before.`,
  };
}

/** Foreign keys that stood on an index which the statement drops. */
function lostIndexes({ node }: LintStatement, context: LintContext): RuleFinding[] {
  const { catalog } = context;
  const drop = treeOf(node, "DropStmt");
  if (drop?.removeType !== "OBJECT_INDEX") return [];
  const dropped = (drop.objects ?? []).map((object) =>
    keyOf(catalog, rangeOf(textsOf(treeOf(object, "List")?.items))),
  );
  return dropped.flatMap((key) => {
    const index = catalog.indexes.get(key);
    const column = index?.columns[0];
    if (index === undefined || column === undefined || !finds(index.where, column)) return [];
    const [foreign] = [...(catalog.tables.get(index.table)?.constraints.values() ?? [])].filter(
      ({ kind, columns }) => kind === "foreign" && columns[0] === column,
    );
    if (foreign === undefined || hasIndex(catalog, index.table, column, dropped)) return [];
    if (comesWithFile(context, index.table, column)) return [];
    return [{ relation: index.table, ...said(index.table, column, foreign.references ?? "") }];
  });
}

function hasIndex(catalog: Catalog, table: string, column: string, without: readonly string[]): boolean {
  return indexesOf(catalog, table).some(
    ({ key, columns, where, isPartial, method }) =>
      columns[0] === column &&
      !without.includes(key) &&
      (method === "btree" || method === "hash") &&
      (!isPartial || (where !== undefined && finds(where, column))),
  );
}

/** Whether an index with this condition has every row that a key of the other table can be in. */
function finds(where: Node | undefined, column: string): boolean {
  const test = treeOf(where, "NullTest");
  return (
    where === undefined || (test?.nulltesttype === "IS_NOT_NULL" && columnsIn(test.arg).join() === column)
  );
}

/** Whether the file itself makes such an index, with CREATE INDEX or as a key of the table. */
function comesWithFile({ catalog, statements }: LintContext, table: string, column: string): boolean {
  return statements.some((statement) => {
    const index = treeOf(statement.node, "IndexStmt");
    if (index !== undefined && keyOf(catalog, index.relation) === table)
      return treeOf(index.indexParams?.[0], "IndexElem")?.name === column && finds(index.whereClause, column);
    const created = treeOf(statement.node, "CreateStmt");
    if (created !== undefined && keyOf(catalog, created.relation) === table)
      return (created.tableElts ?? []).some((element) => makesKey(element, column));
    return commandsOf(statement, catalog, "AT_AddConstraint", "AT_AddColumn").some(
      (added) => added.table === table && added.tree.def !== undefined && makesKey(added.tree.def, column),
    );
  });
}

function makesKey(element: Node, column: string): boolean {
  const definition = treeOf(element, "ColumnDef");
  const constraints = definition === undefined ? [element] : (definition.constraints ?? []);
  return constraints.some((node) => {
    const constraint = treeOf(node, "Constraint");
    if (constraint?.contype !== "CONSTR_PRIMARY" && constraint?.contype !== "CONSTR_UNIQUE") return false;
    return (definition?.colname ?? textsOf(constraint.keys)[0]) === column;
  });
}
