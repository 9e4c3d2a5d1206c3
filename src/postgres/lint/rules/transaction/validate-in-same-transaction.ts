import { treeOf } from "../../../sql/tree.ts";
import { quoted, quotedName, relationOf } from "../../../sql/names.ts";
import { keyOf, shown, type Catalog } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand, type AlterCommand } from "../../commands-of.ts";
import { defineRule, type LintStatement } from "../../define-rule.ts";
import { ownFile } from "../../rewrite/own-file.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

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
    {
      sql: `alter table users add column level integer, add constraint "Level" check (level > 0) not valid;
alter table users add column more integer, validate constraint "Level";`,
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
  rewrite(_finding, statement, { catalog, earlier }) {
    const [validated] = commandsOf(statement, catalog, "AT_ValidateConstraint");
    const relation = treeOf(statement.node, "AlterTableStmt")?.relation;
    const added = earlier.flatMap((before) => additionOf(before, validated, catalog)).at(-1);
    if (relation === undefined || validated === undefined || added === undefined)
      return { reason: "The constraint cannot be told from the statement." };
    const drop = `alter table ${quotedName(relationOf(relation))} drop constraint ${quoted(validated.name)};`;
    return ownFile(statement, "validate", `${drop}\n${added}\n`);
  },
});

/** The command that adds the constraint, as a statement of its own. */
function additionOf(
  { node }: LintStatement,
  validated: AlterCommand | undefined,
  catalog: Catalog,
): string[] {
  const tree = treeOf(node, "AlterTableStmt");
  if (tree === undefined || keyOf(catalog, tree.relation) !== validated?.table) return [];
  const command = (tree.cmds ?? []).find((each) => {
    const found = treeOf(each, "AlterTableCmd");
    return (
      found?.subtype === "AT_AddConstraint" && treeOf(found.def, "Constraint")?.conname === validated.name
    );
  });
  return command === undefined ? [] : [sqlOf({ AlterTableStmt: { ...tree, cmds: [command] } })];
}
