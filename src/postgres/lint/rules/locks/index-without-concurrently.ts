import type { Node } from "libpg-query";
import { quotedName } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { indexNameOf, isTaken } from "../../rewrite/index-name-of.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

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
    {
      sql: "create index if not exists users_search on users (lower(email), coalesce(name, ''), (visits + 1)) where is_active;",
      effect: { lock: "ShareLock", on: "users" },
    },
    {
      sql: "create index on users (lower(email), lower(name)) include (visits);",
      effect: { lock: "ShareLock", on: "users" },
    },
    {
      sql: "create index if not exists users_name_idx on users (visits);",
      effect: { unseen: "PostgreSQL leaves the index that is there, and says nothing" },
      isLeft: true,
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
  rewrite(_finding, { node }, { catalog }) {
    const { if_not_exists: isWanted, ...tree } = treeOf(node, "IndexStmt")!;
    const name = tree.idxname ?? indexNameOf(catalog, tree);
    if (name === undefined)
      return { reason: "Give the index a name: a failed try is found and dropped by it." };
    const [schema] = keyOf(catalog, tree.relation).split(".");
    if (isWanted === true && isTaken(catalog, `${schema}.${name}`))
      return { reason: "A file before makes something of this name: leave the statement out, or rename it." };
    const built: Node = { IndexStmt: { ...tree, idxname: name, concurrent: true } };
    const { schemaname } = tree.relation!;
    const down = `drop index concurrently ${quotedName(schemaname === undefined ? { name } : { schema: schemaname, name })};`;
    return { steps: [{ suffix: "index", transactional: false, sql: sqlOf(built), down }] };
  },
});
