import type { Node } from "libpg-query";
import type { Session } from "../session/connect.ts";
import { parseSql } from "../sql/parse.ts";
import type { Statement } from "../sql/statements.ts";

/** Whether the catalog shows that a statement took effect; unknown when it cannot show it. */
export type Effect = "done" | "absent" | "unknown";

interface Probe {
  /** One row with one boolean. */
  sql: string;
  values: string[];
  /** What the row means when it is true. */
  whenTrue?: "done" | "absent";
}

/**
 * Looks for what a statement makes or drops. Statements that change data, and definitions that can be replaced,
 * leave nothing to look for. Reads only.
 */
export async function readEffect(session: Session, statement: Statement): Promise<Effect> {
  const parsed = await parseSql(statement.text);
  const node = "statements" in parsed ? parsed.statements[0]?.node : undefined;
  const probes = node === undefined ? undefined : probesOf(node);
  if (probes === undefined || probes.length === 0) return "unknown";
  const effects = new Set<Effect>();
  for (const { sql, values, whenTrue = "done" } of probes) {
    const [row] = await session.query<{ found: boolean }>(`select ${sql} as found`, values);
    effects.add(row?.found === true ? whenTrue : whenTrue === "done" ? "absent" : "done");
  }
  return effects.size === 1 ? [...effects][0]! : "unknown";
}

const RELATION = "to_regclass($1) is not null";
const COLUMN =
  "exists (select from pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped)";
const CONSTRAINT = "exists (select from pg_constraint where conrelid = to_regclass($1) and conname = $2)";
const INDEX = `exists (select from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = to_regclass($1) and c.relname = $2 and i.indisvalid)`;

function probesOf(node: Node): Probe[] | undefined {
  if ("CreateStmt" in node) return [{ sql: RELATION, values: [nameOf(node.CreateStmt.relation)] }];
  if ("ViewStmt" in node)
    return node.ViewStmt.replace === true
      ? undefined
      : [{ sql: RELATION, values: [nameOf(node.ViewStmt.view)] }];
  if ("CreateSeqStmt" in node) return [{ sql: RELATION, values: [nameOf(node.CreateSeqStmt.sequence)] }];
  if ("CreateEnumStmt" in node)
    return [{ sql: "to_regtype($1) is not null", values: [joined(node.CreateEnumStmt.typeName)] }];
  if ("CreateSchemaStmt" in node)
    return [
      { sql: "to_regnamespace($1) is not null", values: [quoted(node.CreateSchemaStmt.schemaname ?? "")] },
    ];
  if ("IndexStmt" in node) {
    const { relation, idxname } = node.IndexStmt;
    return idxname === undefined ? undefined : [{ sql: INDEX, values: [nameOf(relation), idxname] }];
  }
  if ("DropStmt" in node) return dropProbes(node.DropStmt);
  if ("AlterTableStmt" in node) return alterProbes(node.AlterTableStmt);
  return undefined;
}

type Of<Key extends string> = Extract<Node, Record<Key, unknown>>[Key &
  keyof Extract<Node, Record<Key, unknown>>];

function dropProbes({ removeType, objects = [] }: Of<"DropStmt">): Probe[] | undefined {
  if (!["OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_VIEW", "OBJECT_SEQUENCE"].includes(removeType ?? ""))
    return undefined;
  return objects.flatMap((object) =>
    "List" in object
      ? [{ sql: RELATION, values: [joined(object.List.items)], whenTrue: "absent" as const }]
      : [],
  );
}

function alterProbes({ relation, cmds = [] }: Of<"AlterTableStmt">): Probe[] | undefined {
  const table = nameOf(relation);
  const probes: Probe[] = [];
  for (const command of cmds) {
    if (!("AlterTableCmd" in command)) return undefined;
    const { subtype, name, def } = command.AlterTableCmd;
    if (subtype === "AT_AddColumn" && def !== undefined && "ColumnDef" in def)
      probes.push({ sql: COLUMN, values: [table, def.ColumnDef.colname ?? ""] });
    else if (subtype === "AT_DropColumn" && name !== undefined)
      probes.push({ sql: COLUMN, values: [table, name], whenTrue: "absent" });
    else if (subtype === "AT_DropConstraint" && name !== undefined)
      probes.push({ sql: CONSTRAINT, values: [table, name], whenTrue: "absent" });
    else if (
      subtype === "AT_AddConstraint" &&
      def !== undefined &&
      "Constraint" in def &&
      def.Constraint.conname !== undefined
    )
      probes.push({ sql: CONSTRAINT, values: [table, def.Constraint.conname] });
    else return undefined;
  }
  return probes;
}

function nameOf(range: Of<"CreateStmt">["relation"]): string {
  return [range?.schemaname, range?.relname]
    .filter((part) => part !== undefined)
    .map(quoted)
    .join(".");
}

function joined(parts: readonly Node[] = []): string {
  return parts.flatMap((part) => ("String" in part ? [quoted(part.String.sval ?? "")] : [])).join(".");
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
