import type { ColumnDef } from "libpg-query";
import { textsOf } from "../../sql/tree.ts";
import type { Column } from "../catalog/catalog.ts";
import { named } from "./names-in-sql.ts";
import { typeNameOf } from "./sql-of.ts";

/** The type of a column as SQL, as its definition wrote it. Errors: SQL_UNPRINTABLE. */
export function typeOfColumn({ definition }: Pick<Column, "definition">): string {
  return typeNameOf(definition.typeName ?? {});
}

/** ` collate …` to stand behind a type, or nothing. */
export function collationSql({ collClause }: ColumnDef): string {
  const names = textsOf(collClause?.collname);
  return names.length === 0 ? "" : ` collate ${names.map(named).join(".")}`;
}
