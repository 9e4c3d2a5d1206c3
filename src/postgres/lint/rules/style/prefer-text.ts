import { columnsMade } from "../../facts/columns-made.ts";
import { defineRule } from "../../define-rule.ts";

export const preferText = defineRule({
  id: "prefer-text",
  summary: "char(n) and varchar(n) where text with a check does.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "A limit in the type is a change of type when it has to shrink; char(n) is filled up with spaces.",
  bad: [
    {
      sql: "alter table users add column code char(8) default 'a';",
      effect: { unseen: "the spaces are there, but reading them is no harm" },
    },
    { sql: "alter table users add column title varchar(80);", effect: { unseen: "it is a matter of taste" } },
  ],
  good: [{ sql: "alter table users add column title text;" }],
  check(statement, { catalog }) {
    return columnsMade(statement, catalog)
      .filter(({ type }) => type.name === "bpchar" || (type.name === "varchar" && type.modifiers.length > 0))
      .map(({ place, name }) => ({
        ...place,
        message: `${name} has its limit in its type`,
        hint: "Use text, with CHECK (length(…) <= n) where a limit is needed.",
      }));
  },
});
