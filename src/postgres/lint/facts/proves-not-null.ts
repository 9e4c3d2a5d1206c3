import type { Node } from "libpg-query";
import { columnsIn, treeOf } from "../../sql/tree.ts";
import type { Table } from "../catalog/catalog.ts";

/** Whether a validated constraint already says that the column has no NULL, so that SET NOT NULL reads no row. */
export function provesNotNull(table: Table | undefined, column: string): boolean {
  return [...(table?.constraints.values() ?? [])].some(
    ({ kind, isValid, columns, expression }) =>
      isValid &&
      ((kind === "not-null" && columns.includes(column)) ||
        (kind === "check" && isNotNullTest(expression, column))),
  );
}

/** `column is not null`, alone or as one part of an AND. */
function isNotNullTest(expression: Node | undefined, column: string): boolean {
  const test = treeOf(expression, "NullTest");
  if (test !== undefined) {
    return test.nulltesttype === "IS_NOT_NULL" && columnsIn(test.arg).join() === column;
  }
  const both = treeOf(expression, "BoolExpr");
  return both?.boolop === "AND_EXPR" && (both.args ?? []).some((part) => isNotNullTest(part, column));
}
