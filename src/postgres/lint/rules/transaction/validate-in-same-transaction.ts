import { treeOf } from "../../../sql/tree.ts";
import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const validateInSameTransaction = defineRule({
  id: "validate-in-same-transaction",
  summary: "NOT VALID and VALIDATE CONSTRAINT in one transaction.",
  severity: "block",
  requirements: ["C6"],
  why: "The strong lock of ADD CONSTRAINT is held while VALIDATE reads every row: nothing is won over doing both at once.",
  bad: [
    {
      sql: `alter table users add constraint visits_positive check (visits >= 0) not valid;
alter table users validate constraint visits_positive;`,
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
  check(statement, { catalog, earlier, isLive }) {
    return commandsOf(statement, catalog, "AT_ValidateConstraint").flatMap((validated) => {
      const { table, name } = validated;
      const isAdded = earlier.some((before) =>
        commandsOf(before, catalog, "AT_AddConstraint").some(
          (added) => added.table === table && treeOf(added.tree.def, "Constraint")?.conname === name,
        ),
      );
      if (!isAdded || !isLive(table)) return [];
      return [
        {
          ...placeOfCommand(validated),
          message: `every row of ${shown(table)} is read while the lock of ADD CONSTRAINT is still held`,
          hint: "Move VALIDATE CONSTRAINT into the next file.",
        },
      ];
    });
  },
});
