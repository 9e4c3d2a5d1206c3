import type { Node } from "libpg-query";
import type { Dropped } from "../sql/dropped.ts";

type Named = Exclude<Dropped, { kind: "unseen" }>;

/** Which things are called otherwise, or something else is called like them, once statements have run. */
export interface RenamedNames {
  /** To be told of every statement, in order. */
  see(node: Node): void;
  /** Whether what a later statement drops under a name may be another thing than what has the name now. */
  cover(dropped: Dropped): dropped is Named;
}

/** Schemas are not compared: of two tables of one name both count as renamed. */
export function newRenamedNames(): RenamedNames {
  const tables = new Set<string>();
  const columns = new Set<string>();
  let isEverything = false;
  return {
    see(node) {
      if ("AlterObjectSchemaStmt" in node) {
        const { relation } = node.AlterObjectSchemaStmt;
        if (relation?.relname !== undefined) tables.add(relation.relname);
      }
      if (!("RenameStmt" in node)) return;
      const { renameType, relation, subname = "", newname = "" } = node.RenameStmt;
      const table = relation?.relname ?? "";
      if (renameType === "OBJECT_TABLE") for (const name of [table, newname]) tables.add(name);
      if (renameType === "OBJECT_COLUMN")
        for (const name of [subname, newname]) columns.add(columnKey(table, name));
      if (renameType === "OBJECT_SCHEMA") isEverything = true;
    },
    cover(dropped): dropped is Named {
      if (dropped.kind === "unseen") return false;
      if (isEverything || tables.has(dropped.table.name)) return true;
      return "column" in dropped && columns.has(columnKey(dropped.table.name, dropped.column));
    },
  };
}

function columnKey(table: string, column: string): string {
  return JSON.stringify([table, column]);
}
