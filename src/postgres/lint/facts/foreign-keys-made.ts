import type { Constraint } from "libpg-query";
import { textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, type Catalog } from "../catalog/catalog.ts";
import { commandsOf, inlineConstraint, placeOfCommand } from "../commands-of.ts";
import type { LintStatement } from "../define-rule.ts";
import type { RuleFinding } from "../finding.ts";

/** A foreign key that CREATE TABLE or ALTER TABLE makes. */
export interface MadeForeignKey {
  table: string;
  /** In the order of the key. */
  columns: string[];
  /** Key of the table that it points to. */
  parent: string;
  /** table: with its table; column: behind a new column; constraint: on what was there before the statement. */
  with: "table" | "column" | "constraint";
  place: Pick<RuleFinding, "relation" | "column" | "command" | "location">;
}

/** The foreign keys that a statement makes. */
export function foreignKeysMade(statement: LintStatement, catalog: Catalog): MadeForeignKey[] {
  const created = treeOf(statement.node, "CreateStmt");
  const table = keyOf(catalog, created?.relation);
  const inTable = (created?.tableElts ?? []).flatMap((element): MadeForeignKey[] => {
    const definition = treeOf(element, "ColumnDef");
    const key = definition === undefined ? treeOf(element, "Constraint") : behind(definition);
    if (key?.contype !== "CONSTR_FOREIGN") return [];
    const columns = definition === undefined ? textsOf(key.fk_attrs) : [definition.colname ?? ""];
    const location = definition?.location ?? key.location;
    const place = { relation: table, ...(location === undefined ? {} : { location }) };
    return [{ table, columns, parent: keyOf(catalog, key.pktable), with: "table", place }];
  });
  const altered = commandsOf(statement, catalog, "AT_AddConstraint", "AT_AddColumn").flatMap(
    (added): MadeForeignKey[] => {
      const isColumn = added.subtype === "AT_AddColumn";
      const key = isColumn ? behind(added.definition) : added.constraint;
      if (key?.contype !== "CONSTR_FOREIGN") return [];
      return [
        {
          table: added.table,
          columns: isColumn ? [added.definition?.colname ?? ""] : textsOf(key.fk_attrs),
          parent: keyOf(catalog, key.pktable),
          with: isColumn ? "column" : "constraint",
          place: placeOfCommand(added),
        },
      ];
    },
  );
  return [...inTable, ...altered];
}

function behind(definition: Parameters<typeof inlineConstraint>[0]): Constraint | undefined {
  return inlineConstraint(definition, "CONSTR_FOREIGN");
}
