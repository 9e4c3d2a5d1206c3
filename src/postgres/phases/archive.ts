import { TminusError } from "../../errors.ts";
import type { MigrateOptions } from "../migrations/migrate-options.ts";
import type { Session } from "../session/connect.ts";
import type { Dropped } from "../sql/dropped.ts";
import { quoted, quotedName, shownName } from "../sql/names.ts";
import { lockTable, readTable, type TableShape } from "../sql/table.ts";
import { ensureArchive } from "./archive-schema.ts";

/** What can be archived. */
type Archivable = Extract<Dropped, { kind: "column" | "table" | "retyped" }>;

/** What was archived, for people and for the step's result. */
export type Archived = {
  /** "users.email" or "users". */
  what: string;
  rows: number;
  /** With its schema. */
  into: string;
};

/** PostgreSQL cuts longer names off. */
const MAX_NAME_BYTES = 63;

export function isArchivable(dropped: Dropped): dropped is Archivable {
  return dropped.kind === "column" || dropped.kind === "table" || dropped.kind === "retyped";
}

/** "users.email" or "users". */
export function shownDropped(dropped: Archivable): string {
  const table = shownName(dropped.table);
  return dropped.kind === "table" ? table : `${table}.${dropped.column}`;
}

/** Why something could not be put back, and what to do instead. */
export interface NotArchived {
  reason: string;
  fix: string;
}

/** Why what a statement drops could not be put back as it was; undefined when it can. */
export function whyNotArchived(dropped: Archivable, table: TableShape): NotArchived | undefined {
  const [shown, tableShown] = [shownDropped(dropped), shownName(dropped.table)];
  if (table.inheritedBy.length > 0)
    return {
      reason: `${table.inheritedBy.join(", ")} ${table.inheritedBy.length === 1 ? "inherits" : "inherit"} from ${tableShown}: what is dropped there with ${shown} would not be archived`,
      fix: "Drop the tables that inherit from it in statements before, or end the inheritance (NO INHERIT).",
    };
  if (dropped.kind === "table") return undefined;
  if (table.keyColumns.length === 0)
    return {
      reason: `${tableShown} has no primary key by which the values of ${shown} could be put back`,
      fix: "Give the table a primary key first.",
    };
  if (table.keyColumns.includes(dropped.column))
    return {
      reason: `${shown} belongs to the primary key by which its values would be put back`,
      fix: "Give the table another primary key first.",
    };
  return undefined;
}

/** The copy and the drop are one transaction, or nothing is dropped. */
export function notInPieces(dropped: Archivable): NotArchived {
  return {
    reason: `${shownDropped(dropped)} cannot be archived in a file that is not one transaction`,
    fix: "Put the statement into a file of its own, without the line '-- tminus: no-transaction'.",
  };
}

/**
 * Copies into the schema tminus_archive what a statement is about to drop, and notes it there; undefined when
 * there is nothing of that name. In the caller's transaction, under a lock that lasts to its end: nothing is
 * written between the copy and the statement. Errors: MIGRATION_REFUSED.
 */
export async function archive(
  session: Session,
  dropped: Archivable,
  { version, options }: { version: string; options: MigrateOptions },
): Promise<Archived | undefined> {
  if ((await readTable(session, dropped.table)) === undefined) return undefined;
  await lockTable(session, dropped.table);
  const table = await readTable(session, dropped.table);
  if (table === undefined) return undefined;
  const column =
    dropped.kind === "table" ? undefined : table.columns.find(({ name }) => name === dropped.column);
  if (dropped.kind !== "table" && column === undefined) return undefined;
  const refusal = whyNotArchived(dropped, table);
  if (refusal !== undefined) {
    throw new TminusError("MIGRATION_REFUSED", `${refusal.reason}; nothing was changed`, {
      hint: refusal.fix,
    });
  }

  await ensureArchive(session);
  const [next] = await session.query<{ id: string }>(
    "select nextval(pg_get_serial_sequence('tminus_archive.dropped', 'id'))::text as id",
  );
  const archiveTable = cutName(`${next!.id}_${table.name}${column === undefined ? "" : `_${column.name}`}`);
  const into = `tminus_archive.${quoted(archiveTable)}`;
  await session.query(`create table ${into} as ${selectionOf(dropped, table)}`);
  const [counted] = await session.query<{ rows: number }>(`select count(*)::float8 as rows from ${into}`);
  const rows = counted!.rows;
  await session.query(
    `insert into tminus_archive.dropped (id, version, kind, schema_name, table_name, column_name, column_type,
       key_columns, archive_table, rows, sequences, run_key, archived_by)
     overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      next!.id,
      version,
      dropped.kind === "retyped" ? "type" : dropped.kind,
      table.schema,
      table.name,
      column?.name ?? null,
      column?.type ?? null,
      table.keyColumns,
      archiveTable,
      rows,
      JSON.stringify(column === undefined ? await readSequences(session, table) : {}),
      options.runKey,
      options.appliedBy,
    ],
  );
  return { what: shownDropped(dropped), rows, into };
}

/** The key and the value of a column, with what a new type makes of it; or all of a table. */
function selectionOf(dropped: Archivable, table: TableShape): string {
  const from = quotedName(table);
  if (dropped.kind === "table") return `select * from ${from}`;
  const keys = table.keyColumns.map((name, index) => `${quoted(name)} as key_${index + 1}`).join(", ");
  const value = `${quoted(dropped.column)} as value`;
  if (dropped.kind === "column") return `select ${keys}, ${value} from ${from}`;
  return `select ${keys}, ${value}, ${dropped.value} as became, false as changed from ${from}`;
}

async function readSequences(
  session: Session,
  table: TableShape,
): Promise<Record<string, { value: string; isCalled: boolean }>> {
  const owned = await session.query<{ column: string; sequence: string }>(
    `select a.attname as column, pg_get_serial_sequence($1, a.attname) as sequence
     from pg_attribute a where a.attrelid = $2::oid and a.attnum > 0 and not a.attisdropped
       and pg_get_serial_sequence($1, a.attname) is not null`,
    [quotedName(table), table.oid],
  );
  const found: Record<string, { value: string; isCalled: boolean }> = {};
  for (const { column, sequence } of owned) {
    const [position] = await session.query<{ value: string; isCalled: boolean }>(
      `select last_value::text as value, is_called as "isCalled" from ${sequence}`,
    );
    if (position !== undefined) found[column] = position;
  }
  return found;
}

/** At a character's end. */
function cutName(name: string): string {
  let cut = name;
  while (Buffer.byteLength(cut) > MAX_NAME_BYTES) cut = cut.slice(0, -1);
  return cut;
}
