import type { AlterTableCmd, Constraint } from "libpg-query";
import { quoted, quotedName, relationOf } from "../../sql/names.ts";
import { treeOf } from "../../sql/tree.ts";
import { constraintOf } from "../catalog/constraint-of.ts";
import { commandsOf } from "../commands-of.ts";
import type { LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { hasAttribute, withoutConstraint } from "./inline-constraints.ts";
import { sqlOf } from "./sql-of.ts";

/**
 * ADD CONSTRAINT, or ADD COLUMN with a constraint behind it, as: the column without the constraint, the constraint
 * with NOT VALID, and VALIDATE in a file of its own. `kind`: CONSTR_CHECK or CONSTR_FOREIGN. Expects one command.
 */
export function addNotValid(
  statement: LintStatement,
  { catalog }: LintContext,
  kind: Constraint["contype"],
): Rewrite | NotRewritten {
  const tree = treeOf(statement.node, "AlterTableStmt");
  const [added] = commandsOf(statement, catalog);
  if (tree?.relation === undefined || added === undefined) return NOT_FOUND;
  if (added.known === undefined)
    return { reason: "No file makes the table, so that the name of the constraint cannot be told: name it." };
  const { definition } = added;
  const inline = (definition?.constraints ?? []).filter(
    (each) => treeOf(each, "Constraint")?.contype === kind,
  );
  if (inline.length > 1 || hasAttribute(definition)) {
    return { reason: "Write the constraints of the column as commands of their own, ADD CONSTRAINT." };
  }
  const constraint = added.constraint ?? treeOf(inline[0], "Constraint");
  const column = definition?.colname;
  const name = constraint && constraintOf(catalog, added.known, constraint, 0, column)?.name;
  if (constraint === undefined || name === undefined) return NOT_FOUND;
  const table = quotedName(relationOf(tree.relation));
  const alter = (command: AlterTableCmd): string =>
    sqlOf({ AlterTableStmt: { ...tree, cmds: [{ AlterTableCmd: command }] } });
  const addNamed = alter({
    subtype: "AT_AddConstraint",
    def: { Constraint: notValid(constraint, name, column) },
    behavior: "DROP_RESTRICT",
  });
  const addColumn =
    definition === undefined
      ? []
      : [alter({ ...added.tree, def: { ColumnDef: withoutConstraint(definition, inline) } })];
  const drop = `alter table ${table} drop constraint ${quoted(name)};`;
  return {
    steps: [
      {
        suffix: "not-valid",
        transactional: true,
        sql: `${[...addColumn, addNamed].join("\n")}\n`,
        down: column === undefined ? `${drop}\n` : `alter table ${table} drop column ${quoted(column)};\n`,
      },
      {
        suffix: "validate",
        transactional: true,
        sql: `alter table ${table} validate constraint ${quoted(name)};\n`,
        down: `${drop}\n${addNamed}\n`,
      },
    ],
  };
}

const NOT_FOUND: NotRewritten = { reason: "The constraint cannot be told from the statement." };

function notValid(constraint: Constraint, name: string, column: string | undefined): Constraint {
  const { initially_valid: _valid, ...rest } = constraint;
  const isForeign = constraint.contype === "CONSTR_FOREIGN";
  return {
    ...rest,
    conname: name,
    skip_validation: true,
    ...(isForeign && column !== undefined ? { fk_attrs: [{ String: { sval: column } }] } : {}),
  };
}
