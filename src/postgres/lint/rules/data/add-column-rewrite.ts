import { callsIn } from "../../../sql/tree.ts";
import { shown } from "../../catalog/catalog.ts";
import { isSerial } from "../../catalog/column-of.ts";
import { commandsOf, inlineConstraint, type AlterCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { VOLATILE } from "../../facts/volatile.ts";
import { fillNewColumn } from "../../rewrite/fill-new-column.ts";

export const addColumnRewrite = defineRule({
  id: "add-column-rewrite",
  summary: "A new column whose value differs from row to row: PostgreSQL writes the whole table again.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until all of its rows are written again. A constant default, or one like now() that is the same for all rows, is written nowhere and takes a millisecond.",
  bad: [
    {
      sql: "alter table users add column token uuid default gen_random_uuid();",
      effect: { rewrites: "users" },
    },
    { sql: "alter table users add column number bigserial;", effect: { rewrites: "users" } },
    {
      sql: "alter table users add column number bigint generated always as (visits * 2) stored;",
      effect: { rewrites: "users" },
      isLeft: true,
    },
    {
      sql: "alter table users add column if not exists token uuid not null default gen_random_uuid() unique;",
      effect: { rewrites: "users" },
    },
    {
      sql: `alter table items add column "Number" serial primary key;`,
      effect: { rewrites: "items" },
    },
    {
      sql: "alter table items add column id bigint generated always as identity;",
      effect: { rewrites: "items" },
    },
  ],
  good: [
    { sql: "alter table users add column joined_at timestamptz not null default now();" },
    { sql: "alter table users add column level integer not null default 0;" },
    {
      sql: "alter table users add column token uuid; alter table users alter column token set default gen_random_uuid();",
    },
    { sql: "alter table users add column number bigint generated always as (visits * 2) virtual;" },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddColumn").flatMap((added) => {
      const reason = isLive(added.table) ? reasonOf(added) : undefined;
      if (reason === undefined) return [];
      return [
        {
          message: `${reason}: all rows of ${shown(added.table)} are written again while nobody can read them`,
          hint: "Add the column without a default, set the default in a statement of its own, and fill the old rows with a backfill.",
          relation: added.table,
          column: added.definition?.colname ?? "",
          command: added.command,
        },
      ];
    });
  },
  rewrite(_, statement, { catalog }) {
    const [added] = commandsOf(statement, catalog, "AT_AddColumn");
    return fillNewColumn(added!, statement, catalog);
  },
});

function reasonOf({ definition }: AlterCommand): string | undefined {
  const name = definition?.colname ?? "";
  if (isSerial(definition?.typeName)) return `${name} takes a number from a sequence for each row`;
  if (inlineConstraint(definition, "CONSTR_IDENTITY") !== undefined)
    return `${name} gets an identity for each row`;
  const generated = inlineConstraint(definition, "CONSTR_GENERATED");
  if (generated !== undefined)
    return generated.generated_kind === "v" ? undefined : `${name} is computed and stored`;
  const initial = inlineConstraint(definition, "CONSTR_DEFAULT")?.raw_expr;
  const volatile = callsIn(initial).find((call) => VOLATILE.has(call));
  return volatile === undefined ? undefined : `the default of ${name} calls ${volatile}(), once for each row`;
}
