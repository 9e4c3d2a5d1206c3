import type { ColumnDef, Constraint, Node } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import type { LintStatement } from "../define-rule.ts";
import { sqlOf } from "./sql-of.ts";

/** The constraints behind a new column. */
export function constraintsBehind(definition: ColumnDef | undefined): Constraint[] {
  return (definition?.constraints ?? []).flatMap((node) => treeOf(node, "Constraint") ?? []);
}

/**
 * ADD COLUMN with another type or without some of the constraints behind the column; everything else, also
 * IF NOT EXISTS, as it was. Errors: SQL_UNPRINTABLE.
 */
export function addColumnWith(
  { node }: LintStatement,
  keeps: (constraint: Constraint) => boolean,
  type?: string,
): string {
  const copy: Node = structuredClone(node);
  const command = treeOf(treeOf(copy, "AlterTableStmt")?.cmds?.[0], "AlterTableCmd");
  const definition = treeOf(command?.def, "ColumnDef");
  if (definition !== undefined) {
    const kept = (definition.constraints ?? []).filter((each) => {
      const constraint = treeOf(each, "Constraint");
      return constraint === undefined || keeps(constraint);
    });
    if (kept.length === 0) delete definition.constraints;
    else definition.constraints = kept;
    if (type !== undefined)
      definition.typeName = {
        names: [{ String: { sval: "pg_catalog" } }, { String: { sval: type } }],
        typemod: -1,
      };
  }
  return sqlOf(copy);
}
