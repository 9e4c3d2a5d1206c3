import { isSerial } from "../../catalog/column-of.ts";
import { defineRule } from "../../define-rule.ts";
import { columnsMade } from "../../facts/columns-made.ts";

export const preferIdentity = defineRule({
  id: "prefer-identity",
  summary: "serial where an identity column does.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "The sequence of a serial column has grants of its own, and anybody who may insert can write a number that collides later.",
  bad: [
    {
      sql: "create table numbered (id bigserial primary key); insert into numbered values (1); insert into numbered default values;",
      effect: { error: "23505" },
    },
  ],
  good: [
    {
      sql: "create table numbered (id bigint generated always as identity primary key); alter table numbered enable row level security; insert into numbered default values;",
    },
  ],
  check(statement, { catalog }) {
    return columnsMade(statement, catalog)
      .filter(({ definition }) => isSerial(definition.typeName))
      .map(({ place, name }) => ({
        ...place,
        message: `${name} is a serial column`,
        hint: "Use GENERATED ALWAYS AS IDENTITY.",
      }));
  },
});
