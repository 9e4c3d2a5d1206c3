import { inlineConstraint } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { columnsMade } from "../../facts/columns-made.ts";

const SMALL = new Set(["int2", "int4", "serial", "serial4", "smallserial", "serial2"]);

export const preferBigint = defineRule({
  id: "prefer-bigint",
  summary: "A primary key of 32 bits or less.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "After 2,147,483,647 rows every insert fails, and changing the type then writes the whole table again.",
  bad: [
    {
      sql: "create table small (id integer generated always as identity (start 2147483647) primary key, x text); insert into small default values; insert into small default values;",
      effect: { error: "2200H" },
    },
  ],
  good: [
    {
      sql: "create table small (id bigint generated always as identity (start 2147483647) primary key, x text); alter table small enable row level security; insert into small default values; insert into small default values;",
    },
  ],
  check(statement, { catalog }) {
    return columnsMade(statement, catalog)
      .filter(
        ({ type, definition }) =>
          SMALL.has(type.name) && inlineConstraint(definition, "CONSTR_PRIMARY") !== undefined,
      )
      .map(({ place, name }) => ({
        ...place,
        message: `${name} ends at 2,147,483,647 or before`,
        hint: "Use bigint.",
      }));
  },
});
