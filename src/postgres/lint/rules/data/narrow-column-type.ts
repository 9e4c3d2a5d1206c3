import { shown } from "../../catalog/catalog.ts";
import { typeOf } from "../../catalog/column-of.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { changeType } from "../../rewrite/change-type.ts";
import { changeOfType } from "../../facts/change-of-type.ts";

export const narrowColumnType = defineRule({
  id: "narrow-column-type",
  summary: "A change to a type that cannot hold every value of the old one.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "Every row is read or written again while nobody can use the table, and the first value that does not fit ends it with an error, or is rounded without a word.",
  bad: [
    {
      sql: "alter table users alter column bio type varchar(3);",
      effect: { error: "22001" },
      fits: "update users set bio = 'b';",
    },
    {
      sql: "alter table users alter column name type varchar(5);",
      effect: { error: "22001" },
      fits: "update users set name = 'n';",
    },
    {
      sql: "alter table users alter column balance type numeric(10, 0);",
      before: "update users set balance = 0.4;",
      effect: { shows: "select sum(balance) = 0 from users" },
      fits: "update users set balance = 1;",
    },
  ],
  good: [{ sql: "alter table users alter column bio type varchar(60);" }],
  check(statement, { catalog, isNew }) {
    return commandsOf(statement, catalog, "AT_AlterColumnType").flatMap((altered) => {
      const { known, name, definition, table } = altered;
      const from = known?.columns.get(name)?.type;
      if (from === undefined || isNew(table)) return [];
      if (changeOfType(from, typeOf(definition?.typeName), definition?.raw_default, name) !== "narrowing")
        return [];
      return [
        {
          ...placeOfCommand(altered),
          message: `values of ${shown(table)}.${name} that do not fit end it with an error or are rounded; every row is read under an exclusive lock`,
          hint: "Keep the type and add a CHECK of the length or range NOT VALID, then VALIDATE it.",
        },
      ];
    });
  },
  rewrite(_, statement, context) {
    const [altered] = commandsOf(statement, context.catalog, "AT_AlterColumnType");
    return changeType(altered!, statement, context);
  },
});
