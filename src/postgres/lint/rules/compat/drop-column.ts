import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { addColumnAgain } from "../../rewrite/add-column-again.ts";
import { inContract } from "../../rewrite/in-contract.ts";

export const dropColumn = defineRule({
  id: "drop-column",
  summary: "DROP COLUMN while a release that uses the column may run.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "The running release fails with the next query that names the column, a rollback to it, too, and the values are gone.",
  bad: [
    { sql: "alter table users drop column visits;", effect: { breaks: "select visits from users limit 1" } },
  ],
  good: [
    {
      before: "alter table users add column unused text;",
      sql: "-- tminus: phase contract\n-- tminus: up\nalter table users drop column unused;",
    },
  ],
  check(statement, { catalog, file, isNew }) {
    return commandsOf(statement, catalog, "AT_DropColumn").flatMap((dropped) => {
      if (isNew(dropped.table) || file.phase === "contract") return [];
      return [
        {
          ...placeOfCommand(dropped),
          message: `the running release fails when it names ${shown(dropped.table)}.${dropped.name}, and its values are gone`,
          hint: "Drop it in a file with the line '-- tminus: phase contract', which runs after sign-off.",
        },
      ];
    });
  },
  rewrite({ column = "", relation = "" }, statement, context) {
    const down = addColumnAgain(context.catalog, relation, column);
    return inContract(statement, context, {
      suffix: "drop",
      names: [column],
      ...(down === undefined ? {} : { down }),
    });
  },
});
