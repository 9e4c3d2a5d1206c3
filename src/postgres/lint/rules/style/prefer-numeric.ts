import { defineRule } from "../../define-rule.ts";
import { columnsMade } from "../../facts/columns-made.ts";

export const preferNumeric = defineRule({
  id: "prefer-numeric",
  summary: "The type money.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "It rounds to the currency of the server's locale and loses what is smaller.",
  bad: [
    {
      sql: "create table prices (amount money); insert into prices values (0.001);",
      effect: { shows: "select coalesce((select sum(amount::numeric) = 0 from prices), false)" },
    },
  ],
  good: [
    {
      sql: "create table prices (amount numeric(12, 4)); alter table prices enable row level security; insert into prices values (0.001);",
    },
  ],
  check(statement, { catalog }) {
    return columnsMade(statement, catalog)
      .filter(({ type }) => type.name === "money")
      .map(({ place, name }) => ({
        ...place,
        message: `${name} is rounded by the server's locale`,
        hint: "Use numeric.",
      }));
  },
});
