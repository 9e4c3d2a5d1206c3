import type { RangeVar } from "libpg-query";
import { treeOf, walk } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { defineRule } from "../../define-rule.ts";

export const viewBypassesRowSecurity = defineRule({
  id: "view-bypasses-row-security",
  summary: "A view over a table with row level security that does not run as its reader.",
  severity: "block",
  requirements: ["C9"],
  why: "A view reads with its owner's rights: whoever may read the view sees all rows of the table, whatever its policies say.",
  bad: [
    {
      sql: "create view all_items as select * from items;",
      effect: {
        shows: "select exists (select from pg_class where relname = 'all_items' and reloptions is null)",
      },
    },
  ],
  good: [{ sql: "create view own_items with (security_invoker = true) as select * from items;" }],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "ViewStmt");
    if (tree === undefined || isOn(tree.options, "security_invoker")) return [];
    const read = new Set<string>();
    walk(tree.query, (kind, fields) => {
      if (kind === "RangeVar") read.add(keyOf(catalog, fields as RangeVar));
    });
    const protectedTable = [...read].find((table) => catalog.tables.get(table)?.hasRowSecurity === true);
    if (protectedTable === undefined) return [];
    return [
      {
        message: `whoever may read ${shown(keyOf(catalog, tree.view))} sees all rows of ${shown(protectedTable)}, whatever its policies say`,
        hint: "Write CREATE VIEW … WITH (security_invoker = true) AS …",
        relation: keyOf(catalog, tree.view),
      },
    ];
  },
});
