import type { AlterTableCmd, DropStmt, Node, RangeVar } from "libpg-query";
import { deparseSync } from "pgsql-deparser";
import { nameIn, relationOf, shownName, type RelationName } from "./names.ts";

/** What a statement takes away from the rows that are there. */
export type Dropped =
  | { kind: "column"; table: RelationName; column: string }
  | { kind: "table"; table: RelationName }
  /** Another type for a column: `value` is what the statement makes of each old value, as an SQL expression. */
  | { kind: "retyped"; table: RelationName; column: string; value: string }
  /** Rows deleted; all of them without `where`, which is an SQL condition. */
  | { kind: "rows"; table: RelationName; where?: string }
  /** Something whose effect on rows cannot be told from the statement. */
  | { kind: "unseen"; what: string };

/**
 * Pure: what one statement drops or may drop; empty for a statement that takes away nothing but definitions.
 * What triggers and functions do because of it is not seen.
 */
export function droppedBy(node: Node): Dropped[] {
  if ("AlterTableStmt" in node) {
    const { relation, cmds = [], objtype } = node.AlterTableStmt;
    if (relation === undefined) return [];
    const table = relationOf(relation);
    if (objtype === "OBJECT_TYPE") return [unseen(`changes the attributes of ${shownName(table)}`)];
    if (objtype !== "OBJECT_TABLE") return [];
    return cmds.flatMap((item) => ("AlterTableCmd" in item ? byCommand(item.AlterTableCmd, table) : []));
  }
  if ("DropStmt" in node) return byDrop(node.DropStmt);
  if ("TruncateStmt" in node) {
    const { relations = [], behavior } = node.TruncateStmt;
    if (behavior === "DROP_CASCADE") return [unseen("truncates every table that refers to another")];
    return relations.flatMap((item) =>
      "RangeVar" in item ? [{ kind: "rows", table: relationOf(item.RangeVar) } as const] : [],
    );
  }
  if ("DeleteStmt" in node) {
    const { relation, usingClause, whereClause, withClause } = node.DeleteStmt;
    const table = relationOf(relation!);
    if (usingClause !== undefined || withClause !== undefined)
      return [unseen(`deletes from ${shownName(table)} by other tables`)];
    return [deleted(relation!, whereClause)];
  }
  return otherwise(node);
}

function byCommand({ subtype, name = "", def }: AlterTableCmd, table: RelationName): Dropped[] {
  if (subtype === "AT_DropColumn") return [{ kind: "column", table, column: name }];
  if (subtype !== "AT_AlterColumnType" || def === undefined || !("ColumnDef" in def)) return [];
  const { typeName, raw_default: using } = def.ColumnDef;
  const from = using === undefined ? `"${name.replaceAll('"', '""')}"` : deparseSync(using);
  return [
    {
      kind: "retyped",
      table,
      column: name,
      value: `(${from})::${deparseSync({ TypeName: typeName ?? {} })}`,
    },
  ];
}

function byDrop({ objects = [], removeType, behavior }: DropStmt): Dropped[] {
  const names = objects.flatMap((object) => nameIn(object) ?? []);
  switch (removeType) {
    case "OBJECT_TABLE":
      return names.map((table) => ({ kind: "table", table }));
    case "OBJECT_SEQUENCE":
      return names.map((name) => unseen(`drops the position of the sequence ${shownName(name)}`));
    case "OBJECT_SCHEMA":
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN":
    case "OBJECT_EXTENSION":
      if (behavior !== "DROP_CASCADE") return [];
      return names.map((name) => unseen(`drops ${shownName(name)} with everything that uses it`));
    default:
      return [];
  }
}

function deleted(relation: RangeVar, where: Node | undefined): Dropped {
  const table = relationOf(relation);
  if (relation.alias !== undefined) return unseen(`deletes from ${shownName(table)} under another name`);
  return where === undefined ? { kind: "rows", table } : { kind: "rows", table, where: deparseSync(where) };
}

/** Statements that can change rows in ways that are not read here. */
function otherwise(node: Node): Dropped[] {
  if ("UpdateStmt" in node) {
    const { relation } = node.UpdateStmt;
    return [
      unseen(`changes rows of ${relation === undefined ? "a table" : shownName(relationOf(relation))}`),
    ];
  }
  if ("MergeStmt" in node) return [unseen("merges rows into a table")];
  if ("DoStmt" in node) return [unseen("runs a DO block")];
  if ("CallStmt" in node) return [unseen("calls a procedure")];
  if ("ExecuteStmt" in node) return [unseen("executes a prepared statement")];
  if ("DropOwnedStmt" in node) return [unseen("drops everything that a role owns")];
  if ("InsertStmt" in node && node.InsertStmt.onConflictClause?.action === "ONCONFLICT_UPDATE")
    return [unseen("overwrites rows that are there already")];
  if ("SelectStmt" in node && callsFunction(node)) return [unseen("calls a function")];
  return [];
}

/** Functions that change a setting or a sequence and no row. */
const HARMLESS = new Set(["set_config", "setval", "nextval", "now", "pg_advisory_xact_lock"]);

function callsFunction(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(callsFunction);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]: [string, unknown]) => {
    if (key !== "FuncCall") return callsFunction(inner);
    const name = nameIn({ List: { items: (inner as { funcname?: Node[] }).funcname ?? [] } })?.name;
    return !HARMLESS.has(name ?? "") || callsFunction(inner);
  });
}

function unseen(what: string): Dropped {
  return { kind: "unseen", what };
}
