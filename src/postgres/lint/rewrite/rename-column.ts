import type { RenameStmt } from "libpg-query";
import { shown } from "../catalog/catalog.ts";
import type { LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { collationSql, typeOfColumn } from "./type-of-column.ts";
import { hangsOnColumn } from "./hangs-on-column.ts";
import { laterNames } from "./later-names.ts";
import { named } from "./names-in-sql.ts";
import { shadowColumn } from "./shadow-column.ts";
import { expressionOf } from "./sql-of.ts";

/** RENAME COLUMN as a second column of the new name. Errors: SQL_UNPRINTABLE. */
export function renameColumn(
  key: string,
  tree: RenameStmt,
  statement: LintStatement,
  context: LintContext,
): Rewrite | NotRewritten {
  const { catalog } = context;
  const from = tree.subname ?? "";
  const to = tree.newname ?? "";
  const later = laterNames(from, statement, context) ?? laterNames(to, statement, context);
  if (later !== undefined) return { reason: later };
  const hanging = hangsOnColumn(catalog, key, from);
  if ("reason" in hanging) return hanging;
  const { table, column } = hanging;
  if (table.columns.has(to)) return { reason: `${shown(key)} has a column ${to} already.` };
  const type = typeOfColumn(column);
  return {
    steps: shadowColumn(catalog, {
      hanging,
      to,
      finalName: to,
      fromType: type,
      toType: type,
      collation: collationSql(column.definition),
      value: named(from),
      forward: `new.${named(from)}`,
      backward: `new.${named(to)}`,
      ...(column.default === undefined ? {} : { initial: expressionOf(column.default) }),
      making: { create: [], drop: [] },
      proof: [],
      notes: [
        `A release may read and write ${from} or ${to}: a trigger keeps both equal. One that reads ${to} starts after the backfill.`,
        `The contract files run when no release names ${from} any more.`,
      ],
    }),
  };
}
