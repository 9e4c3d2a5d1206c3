import { treeOf } from "../../../sql/tree.ts";
import { keyOf } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const lockTable = defineRule({
  id: "lock-table",
  summary: "LOCK TABLE in a migration.",
  severity: "block",
  requirements: ["C6"],
  why: "It stops the application from the statement to the end of the transaction, for as long as the rest takes.",
  bad: [{ sql: "lock table users;", effect: { lock: "AccessExclusiveLock", on: "users" } }],
  good: [{ sql: "lock table users in access share mode;" }],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "LockStmt");
    // 1 and 2 are ACCESS SHARE and ROW SHARE, which stop nobody but other migrations.
    if (tree === undefined || (tree.mode ?? 8) <= 2) return [];
    const tables = (tree.relations ?? [])
      .map((each) => keyOf(catalog, treeOf(each, "RangeVar")))
      .filter(isLive);
    if (tables.length === 0) return [];
    return [
      {
        message: "LOCK TABLE stops the application until the transaction ends",
        hint: "Leave it out: each statement takes the lock that it needs, after looking whether it is free.",
        relation: tables[0]!,
      },
    ];
  },
  noRewrite:
    "What the lock is to keep away is not in the file: leave it out where each statement’s own lock is enough, otherwise keep the writers away with db.readonly.",
});
