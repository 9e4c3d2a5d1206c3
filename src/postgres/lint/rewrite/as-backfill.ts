import type { Node, UpdateStmt } from "libpg-query";
import { callsIn, columnsIn, treeOf, walk } from "../../sql/tree.ts";
import { keyOf, shown } from "../catalog/catalog.ts";
import type { BackfillReplacement, LintContext, LintStatement, NotRewritten } from "../define-rule.ts";
import { VOLATILE } from "../facts/volatile.ts";
import { laterNames } from "./later-names.ts";
import { relationNamed } from "./names-in-sql.ts";
import { replaceColumns } from "../catalog/replace-columns.ts";
import { expressionOf } from "./sql-of.ts";

/**
 * An UPDATE as a backfill, where both give the same: each new value comes from the row itself, and nobody but the
 * backfill writes the columns meanwhile. Errors: SQL_UNPRINTABLE.
 */
export function asBackfill(
  update: UpdateStmt,
  statement: LintStatement,
  context: LintContext,
): BackfillReplacement | NotRewritten {
  const { relation, targetList = [], whereClause: written } = update;
  const key = keyOf(context.catalog, relation);
  const reason = whyNotOwnRow(update);
  if (reason !== undefined) return { reason };
  const where = treeOf(written, "A_Const")?.boolval?.boolval === true ? undefined : written;
  const set: Record<string, string> = {};
  const values: Node[] = [];
  for (const target of targetList) {
    const { name = "", val, indirection } = treeOf(target, "ResTarget") ?? {};
    if (val === undefined || indirection !== undefined || treeOf(val, "MultiAssignRef") !== undefined)
      return { reason: "A backfill sets columns to expressions, one by one: write SET column = value." };
    if (treeOf(val, "SetToDefault") !== undefined)
      return { reason: "A backfill sets columns to expressions: write the default out." };
    set[name] = expressionOf(plain(val));
    values.push(val);
  }
  const names = Object.keys(set);
  const read = columnsIn(values);
  if (names.some((name) => read.includes(name)))
    return {
      reason:
        "It computes a column from itself, so a row that is met twice would get another value: fill a new column.",
    };
  const isFilled = (name: string): boolean => isTestedForNull(where, name);
  if (changes(values) && !names.every(isFilled))
    return {
      reason: `Its value is another one each time: say which rows are not done yet, as in WHERE ${names[0]} IS NULL.`,
    };
  if (changes(where)) return { reason: "Its WHERE gives another answer each time." };
  const shared = names.find((name) => !isOwn(name, key, context) && !isFilled(name));
  if (shared !== undefined)
    return {
      reason: `The running release may write ${shown(key)}.${shared}, and a backfill would overwrite what it writes meanwhile: fill only rows in which it IS NULL, or a new column.`,
    };
  const later = names.map((name) => laterNames(name, statement, context)).find((each) => each !== undefined);
  if (later !== undefined) return { reason: later };
  return {
    backfill: {
      table: relationNamed(key),
      set,
      ...(where === undefined ? {} : { where: expressionOf(plain(where)) }),
    },
  };
}

function whyNotOwnRow(update: UpdateStmt): string | undefined {
  if (update.withClause !== undefined || update.fromClause !== undefined || has(update, "SubLink"))
    return "It takes its values from other rows, which may change while a backfill goes through the table: decide what counts, and fill by hand.";
  if (update.returningClause !== undefined) return "It answers rows, which a backfill does not.";
  if (update.relation?.inh !== true)
    return "It leaves out the tables that inherit (ONLY), and a backfill does not.";
  return undefined;
}

/** Made by the batch: no release that runs knows it. */
function isOwn(column: string, key: string, { catalog, isInBatch }: LintContext): boolean {
  const madeIn = catalog.tables.get(key)?.columns.get(column)?.madeIn;
  return madeIn !== undefined && isInBatch(madeIn);
}

/** `column is null`, alone or as a part of an AND. */
function isTestedForNull(where: Node | undefined, column: string): boolean {
  const test = treeOf(where, "NullTest");
  if (test !== undefined)
    return (
      test.nulltesttype === "IS_NULL" &&
      treeOf(test.arg, "ColumnRef") !== undefined &&
      columnsIn(test.arg).join() === column
    );
  const both = treeOf(where, "BoolExpr");
  return both?.boolop === "AND_EXPR" && (both.args ?? []).some((part) => isTestedForNull(part, column));
}

const CLOCK = new Set(["now", "transaction_timestamp", "statement_timestamp", "age"]);

/** Whether it may give something else when it is computed again. */
function changes(value: unknown): boolean {
  return (
    callsIn(value).some((call) => VOLATILE.has(call) || CLOCK.has(call)) || has(value, "SQLValueFunction")
  );
}

function has(value: unknown, wanted: string): boolean {
  let found = false;
  walk({ value }, (kind) => {
    if (kind === wanted) found = true;
  });
  return found;
}

/** Columns without their table: a backfill knows no other name of it. */
function plain(expression: Node): Node {
  return replaceColumns(expression, (name) => name);
}
