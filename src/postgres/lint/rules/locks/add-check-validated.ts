import { shown } from "../../catalog/catalog.ts";
import { commandsOf, inlineConstraint, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { addNotValid } from "../../rewrite/add-not-valid.ts";

export const addCheckValidated = defineRule({
  id: "add-check-validated",
  summary: "A check constraint that reads every row under an exclusive lock.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until every row is read. With NOT VALID only new rows are checked; VALIDATE CONSTRAINT then reads the old ones beside the application.",
  bad: [
    {
      sql: "alter table users add constraint visits_positive check (visits >= 0);",
      effect: { scans: "users" },
    },
    {
      sql: "alter table users add column level integer default 1 check (level > 0);",
      effect: { scans: "users" },
    },
  ],
  good: [
    {
      sql: [
        "alter table users add constraint visits_positive check (visits >= 0) not valid;",
        "alter table users validate constraint visits_positive;",
      ],
    },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddConstraint", "AT_AddColumn").flatMap((added) => {
      const check = added.constraint ?? inlineConstraint(added.definition, "CONSTR_CHECK");
      if (check?.contype !== "CONSTR_CHECK" || check.skip_validation === true || check.is_enforced === false)
        return [];
      if (!isLive(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `nobody can read or write ${shown(added.table)} until every row is checked`,
          hint: "Add the constraint with NOT VALID, then VALIDATE CONSTRAINT in a later file.",
        },
      ];
    });
  },
  rewrite: (_finding, statement, context) => addNotValid(statement, context, "CONSTR_CHECK"),
});
