import { rangeOf, textsOf, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { dropEachConcurrently } from "../../rewrite/drop-each-concurrently.ts";

export const dropIndexWithoutConcurrently = defineRule({
  id: "drop-index-without-concurrently",
  summary: "DROP INDEX without CONCURRENTLY on a table that is in use.",
  severity: "block",
  requirements: ["C6"],
  why: "It takes a moment, but nobody can read or write the table while it waits for its lock and until the transaction ends.",
  bad: [
    { sql: "drop index users_name_idx;", effect: { lock: "AccessExclusiveLock", on: "users" } },
    {
      sql: "drop index if exists users_name_idx, users_email_key;",
      effect: { lock: "AccessExclusiveLock", on: "users" },
    },
    {
      sql: "drop index users_name_idx cascade;",
      effect: { lock: "AccessExclusiveLock", on: "users" },
      isLeft: true,
    },
    {
      before: "create index readings_value on readings (value);",
      sql: "drop index readings_value;",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
      isLeft: true,
    },
  ],
  good: [{ sql: { outside: "drop index concurrently users_name_idx;" } }],
  check({ node }, { catalog, isLive }) {
    const tree = treeOf(node, "DropStmt");
    if (tree?.removeType !== "OBJECT_INDEX" || tree.concurrent === true) return [];
    return (tree.objects ?? []).flatMap((object) => {
      const key = keyOf(catalog, rangeOf(textsOf(treeOf(object, "List")?.items)));
      const table = catalog.indexes.get(key)?.table;
      if (table !== undefined && !isLive(table)) return [];
      const of = table === undefined ? "the index's table" : shown(table);
      return [
        {
          message: `nobody can read or write ${of} while ${shown(key)} is dropped`,
          hint: "Write DROP INDEX CONCURRENTLY, in a file of its own with the line '-- tminus: no-transaction'.",
          relation: key,
        },
      ];
    });
  },
  rewrite: (_finding, { node }, { catalog }) => dropEachConcurrently(node, catalog),
});
