import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";

export const truncate = defineRule({
  id: "truncate",
  summary: "TRUNCATE of a table that is in use.",
  severity: "block",
  requirements: ["C6"],
  why: "All rows are gone, with CASCADE also those of every table that points to it, and nobody can read or write any of them meanwhile.",
  bad: [
    { sql: "truncate items;", effect: { shows: "select not exists (select from items)" } },
    { sql: "truncate users cascade;", effect: { lock: "AccessExclusiveLock", on: "orders" } },
  ],
  good: [{ sql: "create table fresh (id bigint); truncate fresh;" }],
  check({ node }, { catalog, isNew }) {
    const tree = treeOf(node, "TruncateStmt");
    return (tree?.relations ?? [])
      .map((each) => keyOf(catalog, treeOf(each, "RangeVar")))
      .filter((table) => !isNew(table))
      .map((table) => ({
        message: `all rows of ${shown(table)}${tree?.behavior === "DROP_CASCADE" ? " and of the tables that point to it" : ""} are gone`,
        hint: "Delete only what you mean, with WHERE; allow the rule in the file when all rows are meant.",
        relation: table,
      }));
  },
  noRewrite:
    "Whether all rows are meant to go only people know: delete those that are meant, in batches, or allow the rule with the reason.",
});
