import type { Node, RangeVar } from "libpg-query";
import { columnsIn, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown, type Catalog } from "../../catalog/catalog.ts";
import { asBackfill } from "../../rewrite/as-backfill.ts";
import { defineRule, type LintContext } from "../../define-rule.ts";

export const changeEveryRow = defineRule({
  id: "change-every-row",
  summary: "UPDATE or DELETE of a whole table in one transaction.",
  severity: "block",
  requirements: ["C6"],
  why: "Writers of the same rows wait until it ends, for minutes on a large table: of 5 million rows half of the writers waited over 10 seconds. Everything is written twice and an error throws all of it away.",
  bad: [
    {
      sql: "update users set visits = 0;",
      effect: { shows: "select count(*) = 500 from users where visits = 0" },
      isLeft: true,
    },
    { sql: "delete from items;", effect: { shows: "select count(*) = 0 from items" }, isLeft: true },
    {
      sql: "alter table users add column score integer; update users set score = 1 where score is null;",
      // All rows were written by the transaction that is still open.
      effect: {
        shows:
          "select count(*) = 500 from users where xmin::text::bigint >= pg_current_xact_id()::text::bigint",
      },
    },
    {
      before: "alter table users add column score integer;",
      sql: "update users set score = 1 where score is null;",
      effect: { unseen: "once it is committed it looks like a backfill; the example above shows the harm" },
    },
  ],
  good: [
    {
      sql: ["alter table users add column score integer;", "update users set score = 1 where id < 5;"],
    },
    { sql: "update users set visits = 0 where id = 1;" },
    { sql: "delete from items where order_id = 7;" },
  ],
  check({ node, inBody }, context) {
    const update = treeOf(node, "UpdateStmt");
    const changed = update ?? treeOf(node, "DeleteStmt");
    if (changed === undefined || inBody === true) return [];
    const table = keyOf(context.catalog, changed.relation);
    if (!context.isLive(table)) return [];
    const isWhole = isEveryRow(changed.whereClause, changed.relation, context);
    if (!isWhole && !isOldRows(changed.whereClause, table, context.catalog)) return [];
    return [
      {
        // A backfill may have been there before.
        ...(isWhole ? {} : { severity: "ask" as const }),
        message: `${isWhole ? "every row" : "every old row"} of ${shown(table)} is ${update === undefined ? "deleted" : "written again"} in one transaction; writers of these rows wait for its end`,
        hint:
          update === undefined
            ? "Delete in batches, outside the migration."
            : "Move the rows with a backfill, page by page.",
        relation: table,
      },
    ];
  },
  rewrite(_, statement, context) {
    const update = treeOf(statement.node, "UpdateStmt");
    if (update === undefined)
      return {
        reason:
          "Which rows may go while the application writes only people know: delete in batches outside the migration.",
      };
    const step = asBackfill(update, statement, context);
    return "reason" in step ? step : { steps: [step] };
  },
});

/** No WHERE, WHERE true, or only a test for NULL of a column that the batch itself makes: that is every row. */
function isEveryRow(where: Node | undefined, relation: RangeVar | undefined, context: LintContext): boolean {
  if (where === undefined || treeOf(where, "A_Const")?.boolval?.boolval === true) return true;
  const test = treeOf(where, "NullTest");
  const [column = ""] = columnsIn(test?.arg);
  const table = context.catalog.tables.get(keyOf(context.catalog, relation));
  const madeIn = table?.columns.get(column)?.madeIn;
  return test?.nulltesttype === "IS_NULL" && madeIn !== undefined && context.isInBatch(madeIn);
}

/** Only a test for NULL of a column that came later than its table, without a default: that is every row from before. */
function isOldRows(where: Node | undefined, key: string, { tables }: Catalog): boolean {
  const test = treeOf(where, "NullTest");
  const table = tables.get(key);
  const column = table?.columns.get(columnsIn(test?.arg).join());
  return (
    test?.nulltesttype === "IS_NULL" &&
    table !== undefined &&
    column !== undefined &&
    !column.hasDefault &&
    column.madeIn > table.madeIn
  );
}
