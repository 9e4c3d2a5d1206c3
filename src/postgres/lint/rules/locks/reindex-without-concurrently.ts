import { treeOf } from "../../../sql/tree.ts";
import { keyOf } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { defineRule } from "../../define-rule.ts";

export const reindexWithoutConcurrently = defineRule({
  id: "reindex-without-concurrently",
  summary: "REINDEX without CONCURRENTLY.",
  severity: "block",
  requirements: ["C6"],
  why: "The table takes no writes until the index is built again, and reads that would use the index wait, too.",
  bad: [
    { sql: "reindex index users_name_idx;", effect: { lock: "ShareLock", on: "users" } },
    { sql: "reindex table users;", effect: { lock: "ShareLock", on: "users" } },
  ],
  good: [{ sql: { outside: "reindex index concurrently users_name_idx;" } }],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "ReindexStmt");
    if (tree === undefined || isOn(tree.params, "concurrently")) return [];
    const named = keyOf(catalog, tree.relation);
    const table = catalog.indexes.get(named)?.table ?? named;
    if (tree.relation !== undefined && !isLive(table)) return [];
    return [
      {
        message: "nothing can be written to the table until the index is built again",
        hint: "Write REINDEX … CONCURRENTLY outside a transaction.",
        ...(tree.relation === undefined ? {} : { relation: named }),
      },
    ];
  },
});
