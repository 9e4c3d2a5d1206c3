import { treeOf } from "../../../sql/tree.ts";
import { indexesOf, keyOf, shown, type Catalog } from "../../catalog/catalog.ts";
import { constraintOf } from "../../catalog/constraint-of.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule, type LintContext } from "../../define-rule.ts";

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
  ],
  good: [
    {
      sql: [
        { outside: "create index concurrently items_order_id on items (order_id);" },
        "alter table items add constraint items_order foreign key (order_id) references orders (id) not valid;",
      ],
    },
  ],
  check(statement, context) {
    const { catalog } = context;
    return commandsOf(statement, catalog, "AT_AddConstraint").flatMap((added) => {
      const { constraint, known, table } = added;
      if (constraint?.contype !== "CONSTR_FOREIGN" || known === undefined) return [];
      const [column] = constraintOf(catalog, known, constraint, 0)?.columns ?? [];
      if (column === undefined || hasIndex(catalog, table, column) || comesLater(context, table, column))
        return [];
      return [
        {
          ...placeOfCommand(added),
          column,
          message: `no index of ${shown(table)} begins with ${column}: every delete in ${shown(keyOf(catalog, constraint.pktable))} reads all of ${shown(table)}`,
          hint: `CREATE INDEX CONCURRENTLY … ON ${shown(table)} (${column}) in a file before.`,
        },
      ];
    });
  },
});

function hasIndex(catalog: Catalog, table: string, column: string): boolean {
  return indexesOf(catalog, table).some(({ columns, isPartial }) => columns[0] === column && !isPartial);
}

function comesLater({ catalog, statements }: LintContext, table: string, column: string): boolean {
  return statements.some(({ node }) => {
    const index = treeOf(node, "IndexStmt");
    return (
      index !== undefined &&
      keyOf(catalog, index.relation) === table &&
      treeOf(index.indexParams?.[0], "IndexElem")?.name === column
    );
  });
}
