import { rangeOf, textsOf, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown, type Catalog } from "../../catalog/catalog.ts";
import { defineRule, type LintStatement } from "../../define-rule.ts";
import { inContract } from "../../rewrite/in-contract.ts";

export const dropTable = defineRule({
  id: "drop-table",
  summary: "DROP TABLE, VIEW or SCHEMA while a release that uses it may run.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "The running release fails with the next query that names it, a rollback to it, too, and the rows are gone.",
  bad: [
    { sql: "drop table items;", effect: { breaks: "select sku from items limit 1" } },
    { sql: "drop view active_users;", effect: { breaks: "select id from active_users limit 1" } },
    {
      before: "create schema shop;",
      sql: "drop schema shop;",
      effect: { shows: "select to_regnamespace('shop') is null" },
    },
  ],
  good: [
    {
      before: "create schema shop; create table unused (id bigint);",
      sql: "-- tminus: phase contract\n-- tminus: up\ndrop table unused;",
    },
    {
      before: "create schema shop;",
      sql: "create table short (id bigint); drop table short;",
    },
  ],
  check(statement, { catalog, file, isNew, later }) {
    if (file.phase === "contract") return [];
    return droppedBy(statement, catalog).flatMap((key) => {
      const isMadeAgain = later.some(({ node }) => keyOf(catalog, treeOf(node, "ViewStmt")?.view) === key);
      if (isNew(key) || isMadeAgain) return [];
      return [
        {
          message: `the running release fails when it names ${shown(key)}, and what is in it is gone`,
          hint: "Drop it in a file with the line '-- tminus: phase contract', which runs after sign-off.",
          relation: key,
        },
      ];
    });
  },
  rewrite(_, statement, context) {
    const dropped = droppedBy(statement, context.catalog);
    return inContract(statement, context, {
      suffix: "drop",
      names: dropped.map((key) => key.slice(key.indexOf(".") + 1)),
    });
  },
});

const KINDS = new Set(["OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SCHEMA", "OBJECT_SEQUENCE"]);

/** With IF EXISTS, what no file makes is not there. */
function droppedBy({ node }: LintStatement, catalog: Catalog): string[] {
  const tree = treeOf(node, "DropStmt");
  if (tree === undefined || !KINDS.has(tree.removeType ?? "")) return [];
  return (tree.objects ?? []).flatMap((object) => {
    const schema = treeOf(object, "String")?.sval;
    if (schema !== undefined) return tree.missing_ok === true && !catalog.schemas.has(schema) ? [] : [schema];
    const key = keyOf(catalog, rangeOf(textsOf(treeOf(object, "List")?.items)));
    const isKnown =
      catalog.tables.has(key) || catalog.views.has(key) || tree.removeType === "OBJECT_SEQUENCE";
    return tree.missing_ok === true && !isKnown && catalog.tables.size > 0 ? [] : [key];
  });
}
