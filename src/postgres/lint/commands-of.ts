import type { AlterTableCmd, ColumnDef, Constraint } from "libpg-query";
import { treeOf } from "../sql/tree.ts";
import { keyOf, type Catalog, type Table } from "./catalog/catalog.ts";
import type { LintStatement } from "./define-rule.ts";
import type { RuleFinding } from "./finding.ts";

/** One command of an ALTER TABLE, with what it is about. */
export interface AlterCommand {
  /** Key of the table. */
  table: string;
  /** What the files know of it before the statement. */
  known: Table | undefined;
  /** Which command of the statement, counted from 0. */
  command: number;
  subtype: AlterTableCmd["subtype"];
  /** Column or constraint that it names. */
  name: string;
  tree: AlterTableCmd;
  definition: ColumnDef | undefined;
  constraint: Constraint | undefined;
}

/** The commands of an ALTER TABLE; none of any other statement. */
export function commandsOf(
  { node }: LintStatement,
  catalog: Catalog,
  ...subtypes: readonly AlterTableCmd["subtype"][]
): AlterCommand[] {
  const tree = treeOf(node, "AlterTableStmt");
  if (tree === undefined || (tree.objtype !== "OBJECT_TABLE" && tree.objtype !== undefined)) return [];
  const table = keyOf(catalog, tree.relation);
  return (tree.cmds ?? []).flatMap((each, command): AlterCommand[] => {
    const found = treeOf(each, "AlterTableCmd");
    if (found === undefined || (subtypes.length > 0 && !subtypes.includes(found.subtype))) return [];
    return [
      {
        table,
        known: catalog.tables.get(table),
        command,
        subtype: found.subtype,
        name: found.name ?? "",
        tree: found,
        definition: treeOf(found.def, "ColumnDef"),
        constraint: treeOf(found.def, "Constraint"),
      },
    ];
  });
}

/** The constraint of this kind that is written behind a column. */
export function inlineConstraint(
  definition: ColumnDef | undefined,
  kind: Constraint["contype"],
): Constraint | undefined {
  return (definition?.constraints ?? [])
    .map((node) => treeOf(node, "Constraint"))
    .find((constraint) => constraint?.contype === kind);
}

/** Where a finding about the command belongs. */
export function placeOfCommand({
  table,
  command,
  name,
  definition,
  constraint,
}: AlterCommand): Pick<RuleFinding, "relation" | "command" | "column" | "location"> {
  const location = definition?.location ?? constraint?.location;
  const column = definition?.colname ?? (constraint === undefined ? name : "");
  return {
    relation: table,
    command,
    ...(column === "" ? {} : { column }),
    ...(location === undefined ? {} : { location }),
  };
}
