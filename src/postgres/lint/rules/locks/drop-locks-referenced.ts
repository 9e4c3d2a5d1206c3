import { rangeOf, textsOf, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";

export const dropLocksReferenced = defineRule({
  id: "drop-locks-referenced",
  summary: "Dropping a table or a foreign key also locks the table that it points to.",
  severity: "note",
  requirements: ["C6"],
  why: "The other table, often a busy one, can be neither read nor written until the transaction ends.",
  bad: [
    {
      sql: "alter table orders drop constraint orders_user_id_fkey;",
      effect: { lock: "AccessExclusiveLock", on: "users" },
    },
    {
      sql: "-- tminus: phase contract\n-- tminus: up\ndrop table orders cascade;",
      effect: { lock: "AccessExclusiveLock", on: "users" },
    },
  ],
  good: [{ sql: "-- tminus: phase contract\n-- tminus: up\ndrop table items;" }],
  check(statement, context) {
    return [...new Set(referenced(statement, context))]
      .filter((table) => context.isLive(table))
      .map((table) => ({
        message: `${shown(table)} can be neither read nor written from here to the end of the transaction`,
        hint: "Give it a file of its own, so that the lock is held for a moment only.",
        relation: table,
      }));
  },
});

function referenced(statement: LintStatement, { catalog }: LintContext): string[] {
  const dropped = commandsOf(statement, catalog, "AT_DropConstraint").flatMap(({ known, name }) => {
    const to = known?.constraints.get(name)?.references;
    return to === undefined || to === known?.key ? [] : [to];
  });
  const drop = treeOf(statement.node, "DropStmt");
  if (drop?.removeType !== "OBJECT_TABLE") return dropped;
  return (drop.objects ?? []).flatMap((object) => {
    const table = keyOf(catalog, rangeOf(textsOf(treeOf(object, "List")?.items)));
    const constraints = [...(catalog.tables.get(table)?.constraints.values() ?? [])];
    return constraints.flatMap(({ references }) =>
      references === undefined || references === table ? [] : [references],
    );
  });
}
