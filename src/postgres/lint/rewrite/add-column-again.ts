import type { Catalog } from "../catalog/catalog.ts";
import { hangsOnColumn } from "./hangs-on-column.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";
import { expressionOf } from "./sql-of.ts";
import { collationSql, typeOfColumn } from "./type-of-column.ts";

/**
 * What brings a dropped column back, without its values; undefined when something hangs on it, or when it has to
 * have values. Errors: SQL_UNPRINTABLE.
 */
export function addColumnAgain(catalog: Catalog, key: string, name: string): string | undefined {
  const hanging = hangsOnColumn(catalog, key, name);
  if ("reason" in hanging || hanging.indexes.length + hanging.constraints.length > 0) return undefined;
  const { column } = hanging;
  if (column.notNull) return undefined;
  const at = relationNamed(key);
  const initial = column.default === undefined ? "" : ` default ${expressionOf(column.default)}`;
  const type = `${typeOfColumn(column)}${collationSql(column.definition)}`;
  const comment =
    column.comment === undefined
      ? ""
      : `\ncomment on column ${at}.${named(name)} is ${literal(column.comment)};`;
  return `alter table ${at} add column ${named(name)} ${type}${initial};${comment}`;
}
