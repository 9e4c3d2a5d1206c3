import type { ColumnDef } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog, type ColumnType } from "../catalog/catalog.ts";
import { typeOf } from "../catalog/column-of.ts";
import { commandsOf, placeOfCommand } from "../commands-of.ts";
import type { LintStatement } from "../define-rule.ts";
import type { RuleFinding } from "../finding.ts";

/** A column that CREATE TABLE or ADD COLUMN makes. */
export interface MadeColumn {
  name: string;
  /** As written: serial types are not resolved. */
  type: ColumnType;
  definition: ColumnDef;
  place: Pick<RuleFinding, "relation" | "column" | "command" | "location">;
}

/** The columns that a statement makes. */
export function columnsMade(statement: LintStatement, catalog: Catalog): MadeColumn[] {
  const created = treeOf(statement.node, "CreateStmt");
  const inTable = (created?.tableElts ?? []).flatMap((element): MadeColumn[] => {
    const definition = treeOf(element, "ColumnDef");
    if (definition === undefined) return [];
    const name = definition.colname ?? "";
    const place = {
      relation: keyOf(catalog, created?.relation),
      column: name,
      location: definition.location ?? 0,
    };
    return [{ name, type: typeOf(definition.typeName), definition, place }];
  });
  const added = commandsOf(statement, catalog, "AT_AddColumn").flatMap((command): MadeColumn[] => {
    const { definition } = command;
    if (definition === undefined) return [];
    const type = typeOf(definition.typeName);
    return [{ name: definition.colname ?? "", type, definition, place: placeOfCommand(command) }];
  });
  return [...inTable, ...added];
}
