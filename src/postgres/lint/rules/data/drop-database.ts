import { treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const dropDatabase = defineRule({
  id: "drop-database",
  summary: "DROP DATABASE or DROP OWNED.",
  severity: "block",
  requirements: ["C6"],
  why: "Everything in it is gone, and no down section brings it back.",
  bad: [
    { sql: "drop database other;", effect: { error: "25001" } },
    {
      sql: "create role leaving; alter view active_users owner to leaving; drop owned by leaving;",
      effect: { breaks: "select id from active_users limit 1" },
    },
  ],
  good: [
    {
      before: "create schema shop;",
      sql: "create function shop.nothing() returns void language sql as ''; drop function shop.nothing();",
    },
  ],
  check({ node }) {
    const what = treeOf(node, "DropdbStmt") !== undefined ? "DROP DATABASE" : "DROP OWNED";
    if (treeOf(node, "DropdbStmt") === undefined && treeOf(node, "DropOwnedStmt") === undefined) return [];
    return [{ message: `${what} takes everything with it`, hint: "Drop what you mean by its name." }];
  },
  noRewrite:
    "What of it is really meant only people know: drop each object by its name, in the phase contract.",
});
