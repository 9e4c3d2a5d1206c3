import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const refreshWithoutConcurrently = defineRule({
  id: "refresh-without-concurrently",
  summary: "REFRESH MATERIALIZED VIEW without CONCURRENTLY.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read the view until it is computed again.",
  bad: [
    {
      sql: "refresh materialized view order_totals;",
      effect: { lock: "AccessExclusiveLock", on: "order_totals" },
    },
  ],
  good: [{ sql: "refresh materialized view concurrently order_totals;" }],
  check({ node }, { catalog, isNew }) {
    const tree = treeOf(node, "RefreshMatViewStmt");
    const view = keyOf(catalog, tree?.relation);
    if (tree === undefined || tree.concurrent === true || tree.skipData === true || isNew(view)) return [];
    return [
      {
        message: `nobody can read ${shown(view)} until it is computed again`,
        hint: "Write REFRESH MATERIALIZED VIEW CONCURRENTLY; the view needs a unique index for it.",
        relation: view,
      },
    ];
  },
});
