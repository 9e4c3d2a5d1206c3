import type { Session } from "../session/connect.ts";

/** One thing that a contract migration dropped, and where its values are. */
export interface ArchiveRow {
  id: string;
  version: string;
  kind: "column" | "table" | "type";
  schemaName: string;
  tableName: string;
  /** Null for a table. */
  columnName: string | null;
  /** Type of the column before, as format_type writes it; null for a table. */
  columnType: string | null;
  /** Columns of the primary key; empty for a table without one. */
  keyColumns: string[];
  /** In the schema tminus_archive. */
  archiveTable: string;
  rows: number;
  /** Of a table: column → position of the sequence that it owns. */
  sequences: Record<string, { value: string; isCalled: boolean }>;
}

/** Creates the schema and its index table when they are missing. Belongs into the transaction that archives. */
export async function ensureArchive(session: Session): Promise<void> {
  if (!(await hasArchive(session))) await session.query(TABLES);
}

/** What was archived for a version and not put back yet, oldest first. Reads only. */
export async function readArchive(session: Session, version: string): Promise<ArchiveRow[]> {
  if (!(await hasArchive(session))) return [];
  return session.query<ArchiveRow>(
    `select id::text as id, version, kind, schema_name as "schemaName", table_name as "tableName",
       column_name as "columnName", column_type as "columnType", key_columns as "keyColumns",
       archive_table as "archiveTable", rows::float8 as rows, sequences
     from tminus_archive.dropped where version = $1 and restored_at is null order by id`,
    [version],
  );
}

/** What a run archived and nobody put back since, oldest first. Reads only. */
export async function readArchivedBy(
  session: Session,
  runKey: string,
): Promise<{ what: string; rows: number; into: string }[]> {
  if (!(await hasArchive(session))) return [];
  return session.query(
    `select case schema_name when 'public' then '' else schema_name || '.' end || table_name
         || coalesce('.' || column_name, '') as what,
       rows::float8 as rows, format('tminus_archive.%I', archive_table) as into
     from tminus_archive.dropped where run_key = $1 and restored_at is null order by id`,
    [runKey],
  );
}

/** Whether anything was ever archived. Reads only. */
export async function hasArchive(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus_archive.dropped') is not null as found",
  );
  return row?.found === true;
}

const TABLES = `
  create schema tminus_archive;
  revoke all on schema tminus_archive from public;
  create table tminus_archive.dropped (
    id bigint generated always as identity primary key,
    version text not null,
    kind text not null check (kind in ('column', 'table', 'type')),
    schema_name text not null,
    table_name text not null,
    column_name text,
    column_type text,
    key_columns text[] not null,
    archive_table text not null,
    rows bigint not null,
    sequences jsonb not null,
    run_key text not null,
    archived_by text not null,
    archived_at timestamptz not null default clock_timestamp(),
    restored_at timestamptz
  )`;
