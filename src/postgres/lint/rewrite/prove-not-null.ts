import { quoted } from "../../sql/names.ts";
import type { Table } from "../catalog/catalog.ts";
import type { FileReplacement } from "../define-rule.ts";
import { chosenName } from "./chosen-name.ts";

/**
 * NOT NULL for columns that are there, without a scan under a lock: a CHECK that is not valid, its validation, then
 * SET NOT NULL, which reads nothing any more, and the CHECK goes. `table`: quoted as the statement names it.
 */
export function proveNotNull(known: Table, table: string, columns: readonly string[]): FileReplacement[] {
  const named = columns.map((column) => ({
    column: quoted(column),
    check: quoted(chosenName(known.name, [column], "not_null_check", (name) => known.constraints.has(name))),
  }));
  const each = (sqlFor: (item: { column: string; check: string }) => string): string =>
    `alter table ${table} ${named.map(sqlFor).join(", ")};\n`;
  const add = each(({ column, check }) => `add constraint ${check} check (${column} is not null) not valid`);
  const drop = each(({ check }) => `drop constraint ${check}`);
  return [
    { suffix: "not-null-check", transactional: true, sql: add, down: drop },
    {
      suffix: "not-null-validate",
      transactional: true,
      sql: each(({ check }) => `validate constraint ${check}`),
      down: `${drop}${add}`,
    },
    {
      suffix: "not-null",
      transactional: true,
      sql: each(({ column }) => `alter column ${column} set not null`) + drop,
    },
  ];
}
