import { shown } from "../../catalog/catalog.ts";
import { typeOf } from "../../catalog/column-of.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const jsonColumn = defineRule({
  id: "json-column",
  summary: "A column of type json on a table in use.",
  severity: "ask",
  requirements: ["C6", "C15"],
  why: "json has no equality: SELECT DISTINCT, UNION and GROUP BY over the table's rows, which worked, fail.",
  bad: [
    { sql: "alter table users add column meta json;", effect: { breaks: "select distinct * from users" } },
  ],
  good: [{ sql: "alter table users add column meta jsonb;" }],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_AddColumn").flatMap((added) => {
      if (typeOf(added.definition?.typeName).name !== "json" || isNew(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `SELECT DISTINCT and UNION over ${shown(added.table)} fail: json has no equality`,
          hint: "Use jsonb.",
        },
      ];
    });
  },
});
