import type {
  AlterTableCmd,
  AlterTableStmt,
  ColumnDef,
  DropStmt,
  Node,
  ObjectType,
  RenameStmt,
} from "libpg-query";
import type { ParsedStatement } from "../sql/parse.ts";
import { joined, keyOf, nameIn, relationOf, shownName, type RelationName } from "../sql/names.ts";
import type { Existing } from "./existing.ts";
import { isWidening } from "./widening.ts";

/** Name of the rule in `-- tminus: allow`. */
export const BREAKS_RUNNING_RELEASE = "breaks-running-release";

/** A statement after which the release that is running can fail. */
export interface Breaking {
  file: string;
  line: number;
  /** What it does, as a sentence part: "drops the column users.email". */
  what: string;
  /** How the same is reached without breaking it, an imperative. */
  fix: string;
}

export interface PhasedFile {
  file: string;
  /** Of the up section, with the lines of the file. */
  statements: readonly ParsedStatement[];
}

const IN_CONTRACT =
  "Put it into a later file with the line '-- tminus: phase contract', which db.contract applies after sign-off.";
const BY_COPY =
  "Add the new one, keep both equal by a trigger, and drop the old one in a file with the line '-- tminus: phase contract'.";

/**
 * Pure: the statements of pending files that take from the running release something that stood before them.
 * Names without a schema are looked for in public. What a function or a DO block does is not seen.
 */
export function findBreaking(files: readonly PhasedFile[], existing: Existing): Breaking[] {
  const added = new Set<string>();
  return files.flatMap(({ file, statements }) => {
    const made = new Set(statements.flatMap(({ node }) => madeBy(node)));
    return statements.flatMap(({ node, line }) =>
      breaksOf(node, { existing, made, added }).map((found) => ({ file, line, ...found })),
    );
  });
}

interface Scope {
  existing: Existing;
  /** What the same file makes: dropping it before is replacing it. */
  made: ReadonlySet<string>;
  /** Columns without default that pending files added to tables that stood before: "schema.table.column". */
  added: Set<string>;
}

type Found = Pick<Breaking, "what" | "fix">;

function breaksOf(node: Node, scope: Scope): Found[] {
  if ("DropStmt" in node) return dropped(node.DropStmt, scope);
  if ("AlterTableStmt" in node) return altered(node.AlterTableStmt, scope);
  if ("RenameStmt" in node) return renamed(node.RenameStmt, scope);
  if ("AlterEnumStmt" in node) {
    const { typeName, oldVal } = node.AlterEnumStmt;
    const type = joined(typeName);
    if (oldVal === undefined || type === undefined || !scope.existing.types.has(keyOf(type))) return [];
    return [
      {
        what: `renames the value ${oldVal} of ${shownName(type)}`,
        fix: "Add the new value, and stop using the old one in a later release.",
      },
    ];
  }
  if ("AlterObjectSchemaStmt" in node) {
    const { relation, object, objectType } = node.AlterObjectSchemaStmt;
    const name = relation === undefined ? nameIn(object) : relationOf(relation);
    if (name === undefined || !stood(objectType, name, scope)) return [];
    return [{ what: `moves ${shownName(name)} to another schema`, fix: BY_COPY }];
  }
  return [];
}

function dropped({ objects = [], removeType }: DropStmt, scope: Scope): Found[] {
  return objects.flatMap((object) => {
    const name = nameIn(object);
    if (name === undefined || scope.made.has(keyOf(name)) || !stood(removeType, name, scope)) return [];
    return [{ what: `drops ${kindWord(removeType)} ${shownName(name)}`, fix: IN_CONTRACT }];
  });
}

function altered({ relation, cmds = [] }: AlterTableStmt, scope: Scope): Found[] {
  const table = relation === undefined ? undefined : relationOf(relation);
  const columns = table === undefined ? undefined : scope.existing.relations.get(keyOf(table));
  if (table === undefined || columns === undefined) return [];
  return cmds.flatMap((command) =>
    "AlterTableCmd" in command ? breaksOfCommand(command.AlterTableCmd, table, columns, scope) : [],
  );
}

function breaksOfCommand(
  { subtype, name = "", def }: AlterTableCmd,
  table: RelationName,
  columns: ReadonlyMap<string, string>,
  { added }: Scope,
): Found[] {
  const shown = `${shownName(table)}.${name}`;
  const isOld = columns.has(name);
  const column = def !== undefined && "ColumnDef" in def ? def.ColumnDef : undefined;
  switch (subtype) {
    case "AT_AddColumn": {
      if (column === undefined || columns.has(column.colname ?? "") || !isLeftNull(column)) return [];
      if (has(column, "CONSTR_NOTNULL") || has(column, "CONSTR_PRIMARY"))
        return [mustBeGiven(`${shownName(table)}.${column.colname}`)];
      added.add(`${keyOf(table)}.${column.colname}`);
      return [];
    }
    case "AT_SetNotNull":
      return added.has(`${keyOf(table)}.${name}`) ? [mustBeGiven(shown)] : [];
    case "AT_AddConstraint": {
      const required = def === undefined ? undefined : requiredColumn(def);
      return required !== undefined && added.has(`${keyOf(table)}.${required}`)
        ? [mustBeGiven(`${shownName(table)}.${required}`)]
        : [];
    }
    case "AT_DropColumn":
      return isOld ? [{ what: `drops the column ${shown}`, fix: IN_CONTRACT }] : [];
    case "AT_AlterColumnType":
      return isOld && !isWidening(columns.get(name)!, column?.typeName)
        ? [{ what: `changes the type of ${shown}`, fix: BY_COPY }]
        : [];
    case "AT_ColumnDefault":
      added.delete(`${keyOf(table)}.${name}`);
      return isOld && def === undefined ? [noDefault(shown)] : [];
    case "AT_DropIdentity":
    case "AT_DropExpression":
      return isOld ? [noDefault(shown)] : [];
    case "AT_DetachPartition":
      return [{ what: `detaches a partition of ${shownName(table)}`, fix: IN_CONTRACT }];
    default:
      return [];
  }
}

function renamed({ renameType, relation, object, subname, newname }: RenameStmt, scope: Scope): Found[] {
  if (renameType === "OBJECT_SCHEMA") {
    return scope.existing.schemas.has(subname ?? "")
      ? [{ what: `renames the schema ${subname}`, fix: BY_COPY }]
      : [];
  }
  const name = relation === undefined ? nameIn(object) : relationOf(relation);
  if (name === undefined) return [];
  if (renameType === "OBJECT_COLUMN" || renameType === "OBJECT_ATTRIBUTE") {
    const isOld = scope.existing.relations.get(keyOf(name))?.has(subname ?? "");
    return isOld === true
      ? [{ what: `renames ${shownName(name)}.${subname} to ${newname}`, fix: BY_COPY }]
      : [];
  }
  if (!stood(renameType, name, scope)) return [];
  return [{ what: `renames ${shownName(name)} to ${newname}`, fix: BY_COPY }];
}

/** Whether the thing is of a kind that a release can use by name, and stood before. */
function stood(kind: ObjectType | undefined, name: RelationName, { existing }: Scope): boolean {
  switch (kind) {
    case "OBJECT_TABLE":
    case "OBJECT_FOREIGN_TABLE":
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
    case "OBJECT_SEQUENCE":
      return existing.relations.has(keyOf(name));
    case "OBJECT_FUNCTION":
    case "OBJECT_PROCEDURE":
    case "OBJECT_ROUTINE":
    case "OBJECT_AGGREGATE":
      return existing.functions.has(keyOf(name));
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN":
      return existing.types.has(keyOf(name));
    case "OBJECT_SCHEMA":
      return existing.schemas.has(name.name);
    default:
      return false;
  }
}

function kindWord(kind: ObjectType | undefined): string {
  const word = (kind ?? "").replace("OBJECT_", "").replace("_", " ").toLowerCase();
  return `the ${word === "matview" ? "materialized view" : word}`;
}

/** Names of relations, functions and types that a statement makes. */
function madeBy(node: Node): string[] {
  const made = (): RelationName | undefined => {
    if ("CreateStmt" in node) return node.CreateStmt.relation && relationOf(node.CreateStmt.relation);
    if ("ViewStmt" in node) return node.ViewStmt.view && relationOf(node.ViewStmt.view);
    if ("CreateTableAsStmt" in node)
      return node.CreateTableAsStmt.into?.rel && relationOf(node.CreateTableAsStmt.into.rel);
    if ("CreateSeqStmt" in node)
      return node.CreateSeqStmt.sequence && relationOf(node.CreateSeqStmt.sequence);
    if ("CreateFunctionStmt" in node) return joined(node.CreateFunctionStmt.funcname);
    if ("CreateEnumStmt" in node) return joined(node.CreateEnumStmt.typeName);
    if ("CreateDomainStmt" in node) return joined(node.CreateDomainStmt.domainname);
    return undefined;
  };
  const name = made();
  return name === undefined ? [] : [keyOf(name)];
}

/** Whether a row written without naming the column has NULL in it. */
function isLeftNull(column: ColumnDef): boolean {
  const type = column.typeName?.names?.at(-1);
  const word = type !== undefined && "String" in type ? type.String.sval : undefined;
  if (/^(small|big)?serial\d?$/.test(word ?? "")) return false;
  return !["CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"].some((kind) => has(column, kind));
}

function has({ constraints = [] }: ColumnDef, kind: string): boolean {
  return constraints.some((item) => "Constraint" in item && item.Constraint.contype === kind);
}

/** The column of CHECK (column IS NOT NULL) and of NOT NULL column, validated or not: both bind every new row. */
function requiredColumn(def: Node): string | undefined {
  if (!("Constraint" in def)) return undefined;
  const { contype, keys, raw_expr: expression } = def.Constraint;
  if (contype === "CONSTR_NOTNULL") return joined(keys)?.name;
  if (contype !== "CONSTR_CHECK" || expression === undefined || !("NullTest" in expression)) return undefined;
  const { nulltesttype, arg } = expression.NullTest;
  if (nulltesttype !== "IS_NOT_NULL" || arg === undefined || !("ColumnRef" in arg)) return undefined;
  return joined(arg.ColumnRef.fields)?.name;
}

function mustBeGiven(shown: string): Found {
  return {
    what: `makes ${shown} required, which the running release does not write`,
    fix: "Give it a default, or require it in a file with the line '-- tminus: phase contract'.",
  };
}

function noDefault(shown: string): Found {
  return { what: `takes the default of ${shown} away`, fix: IN_CONTRACT };
}
