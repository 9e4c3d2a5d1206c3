import { textsOf, treeOf } from "../../../sql/tree.ts";
import { shown, typeKeyOf } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const renameEnumValue = defineRule({
  id: "rename-enum-value",
  summary: "ALTER TYPE … RENAME VALUE of an enum that the running release uses.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "It takes no lock on any table, but the running release fails as soon as it says the old value.",
  bad: [
    {
      sql: "alter type order_status rename value 'sent' to 'shipped';",
      effect: { breaks: "select 1 from orders where status = 'sent' limit 1" },
    },
  ],
  good: [{ sql: "alter type order_status add value 'shipped';" }],
  noRewrite:
    "No value of an enum can have two names, and none can be dropped: add the new one, let a release read both, write the new one in the next, and leave the old one unused.",
  check({ node }, { catalog }) {
    const tree = treeOf(node, "AlterEnumStmt");
    if (tree?.oldVal === undefined) return [];
    const key = typeKeyOf(catalog, textsOf(tree.typeName));
    return [
      {
        message: `the running release still says '${tree.oldVal}' of ${shown(key)}: it fails from here on`,
        hint: "Add the new value, move the rows with a backfill, and stop using the old one.",
        relation: key,
      },
    ];
  },
});
