import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const indexWithoutConcurrently = defineRule({
  id: "index-without-concurrently",
  summary: "CREATE INDEX without CONCURRENTLY on a table that is in use.",
  severity: "block",
  requirements: ["C6"],
  why: "The table takes no writes until the index is built, and everything that queues behind the lock waits, too.",
  bad: [
    { sql: "create index on users (visits);", effect: { lock: "ShareLock", on: "users" } },
    {
      sql: "create unique index users_visits on users (visits);",
      effect: { lock: "ShareLock", on: "users" },
    },
  ],
  good: [
    { sql: { outside: "create index concurrently users_visits_idx on users (visits);" } },
    { sql: "create table fresh (id bigint); create index on fresh (id);" },
  ],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "IndexStmt");
    const table = keyOf(catalog, tree?.relation);
    if (tree === undefined || tree.concurrent === true || !isLive(table)) return [];
    // PostgreSQL builds no index concurrently on a partitioned table: partition-index says how it is done.
    if (catalog.tables.get(table)?.isPartitioned === true) return [];
    return [
      {
        message: `no row of ${shown(table)} can be written until the index is built`,
        hint: "Write CREATE INDEX CONCURRENTLY <name>, in a file of its own with the line '-- tminus: no-transaction'.",
        relation: table,
      },
    ];
  },
});
