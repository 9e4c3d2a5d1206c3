import { quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { isTaken } from "../../rewrite/index-name-of.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

export const concurrentlyIfNotExists = defineRule({
  id: "concurrently-if-not-exists",
  summary: "CREATE INDEX CONCURRENTLY IF NOT EXISTS, which takes an invalid index for a finished one.",
  severity: "block",
  requirements: ["C6"],
  why: "A concurrent build that fails leaves an invalid index behind: it is kept up to date, and no query uses it. Run again with IF NOT EXISTS, the statement succeeds at once and builds nothing.",
  bad: [
    {
      before: `create unique index users_visits_key on users (visits);
        update pg_index set indisvalid = false where indexrelid = 'users_visits_key'::regclass;`,
      sql: { outside: "create unique index concurrently if not exists users_visits_key on users (visits);" },
      effect: {
        shows:
          "select coalesce((select not indisvalid from pg_index where indexrelid = to_regclass('users_visits_key')), false)",
      },
      // The files make one of that name: only people know whether it is meant.
      isLeft: true,
    },
    {
      sql: { outside: "create index concurrently if not exists users_visits on users (visits);" },
      effect: { unseen: "nothing is left behind here by a try that failed" },
    },
  ],
  good: [{ sql: { outside: "create unique index concurrently users_visits_key on users (visits);" } }],
  check({ node }, { catalog }) {
    const tree = treeOf(node, "IndexStmt");
    if (tree?.concurrent !== true || tree.if_not_exists !== true) return [];
    return [
      {
        message: `when an earlier try failed, IF NOT EXISTS takes its invalid index ${tree.idxname ?? ""} for a finished one`,
        hint: "Leave IF NOT EXISTS out: an invalid index is found and dropped before the statement is tried again.",
        relation: keyOf(catalog, tree.relation),
      },
    ];
  },
  rewrite(_finding, { node }, { catalog }) {
    const { if_not_exists: _left, ...tree } = treeOf(node, "IndexStmt")!;
    const [schema] = keyOf(catalog, tree.relation).split(".");
    if (isTaken(catalog, `${schema}.${tree.idxname ?? ""}`))
      return { reason: "A file before makes something of this name: leave the statement out, or rename it." };
    const name = quotedName({ ...relationOf(tree.relation!), name: tree.idxname ?? "" });
    const down = `drop index concurrently ${name};`;
    return {
      steps: [{ suffix: "index", transactional: false, sql: sqlOf({ IndexStmt: tree }), down }],
    };
  },
});
