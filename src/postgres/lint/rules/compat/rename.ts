import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { defineRule } from "../../define-rule.ts";
import { renameColumn } from "../../rewrite/rename-column.ts";
import { renameRelation } from "../../rewrite/rename-relation.ts";

const KINDS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: "table",
  OBJECT_COLUMN: "column",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "view",
  OBJECT_SCHEMA: "schema",
  OBJECT_FUNCTION: "function",
};

export const rename = defineRule({
  id: "rename",
  summary: "RENAME of something that the running release names: a table, column, view, schema or function.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "The running release fails from that moment on, and so does a rollback to it. Old and new code run side by side during a deploy: both names must work.",
  bad: [
    {
      sql: "alter table users rename column name to full_name;",
      effect: { breaks: "select name from users limit 1" },
    },
    { sql: "alter table items rename to order_items;", effect: { breaks: "select sku from items limit 1" } },
    {
      sql: "alter view active_users rename to people;",
      effect: { breaks: "select id from active_users limit 1" },
    },
  ],
  good: [
    {
      sql: "-- tminus: phase contract\n-- tminus: up\nalter table readings_2026 rename to readings_next;",
    },
    { sql: "alter index users_name_idx rename to users_by_name;" },
    { sql: "alter table orders rename constraint orders_user_id_fkey to orders_user;" },
  ],
  check({ node }, { catalog, file, isNew }) {
    if (file.phase === "contract") return [];
    const tree = treeOf(node, "RenameStmt");
    const what = KINDS[tree?.renameType ?? ""];
    if (tree === undefined || what === undefined) return [];
    const table = tree.relation === undefined ? undefined : keyOf(catalog, tree.relation);
    if (table !== undefined && isNew(table)) return [];
    const from = tree.subname ?? (table === undefined ? "it" : shown(table));
    return [
      {
        message: `the running release still says ${from}: it fails from here on`,
        hint:
          what === "column"
            ? `Add the column ${tree.newname ?? ""}, keep both in step with a trigger, fill it with a backfill, and drop the old one after sign-off.`
            : `Keep the old name working: a view of the old name over the new one, dropped after sign-off.`,
        ...(table === undefined ? {} : { relation: table }),
        ...(tree.subname === undefined ? {} : { column: tree.subname }),
      },
    ];
  },
  rewrite(_, statement, context) {
    const tree = treeOf(statement.node, "RenameStmt")!;
    const key = keyOf(context.catalog, tree.relation);
    switch (tree.renameType) {
      case "OBJECT_COLUMN":
        return renameColumn(key, tree, statement, context);
      case "OBJECT_TABLE":
      case "OBJECT_VIEW":
      case "OBJECT_MATVIEW":
        return renameRelation(key, tree, statement, context);
      case "OBJECT_SCHEMA":
        return {
          reason:
            "A schema has one name: make the new one, a view in it for each table, and move the tables in the contract phase.",
        };
      default:
        return {
          reason:
            "Make a second function of the new name from its source, and drop the old one in the contract phase.",
        };
    }
  },
});
