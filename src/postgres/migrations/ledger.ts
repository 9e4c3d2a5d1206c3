import { hashJson } from "../../lib/hash.ts";
import type { Session } from "../session/connect.ts";
import { compareVersions, type HistoryFormat } from "./migration.ts";

/** A migration that has run, as the database itself remembers it. */
export interface LedgerRow {
  format: HistoryFormat;
  version: string;
  name: string;
  /** Path below the folder of migrations. */
  file: string;
  checksum: string;
  /** ISO 8601. */
  appliedAt: string;
  durationMs: number;
  /** Key of the run's step that applied it. */
  runKey: string;
  transactional: boolean;
  /** Kept here so that a rollback needs no files of the release that failed. */
  downSql: string | null;
  /** Line of the file at which downSql begins. */
  downLine: number | null;
}

/** Creates the tables that are missing. Safe to repeat; call it under the session lock. */
export async function ensureLedger(session: Session): Promise<void> {
  if (await hasLedger(session)) await upgrade(session);
  else await session.query(TABLES);
}

/** Everything that has run, oldest first; empty when the ledger was never made. Reads only. */
export async function readLedger(session: Session): Promise<LedgerRow[]> {
  if (!(await hasLedger(session))) return [];
  const rows = await session.query<LedgerRow>(
    `select coalesce(to_jsonb(m) ->> 'format', 'native') as format, version, name,
       coalesce(to_jsonb(m) ->> 'file', version || '_' || name || '.sql') as file, checksum, to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "appliedAt",
       duration_ms as "durationMs", run_key as "runKey", transactional, down_sql as "downSql", down_line as "downLine"
     from tminus.migration m`,
  );
  return rows.sort(compareVersions);
}

/** Changes when something is applied or reverted. */
export function digestLedger(rows: readonly LedgerRow[]): string {
  return hashJson(rows.map(({ version, checksum }) => [version, checksum]));
}

/** Whether the ledger's tables were ever made. Reads only. */
export async function hasLedger(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus.migration_begun') is not null as found",
  );
  return row?.found === true;
}

/** A ledger of an earlier tminus has only native rows, whose file names follow from version and name. */
async function upgrade(session: Session): Promise<void> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus.migration') is not null and exists (select from pg_attribute where attrelid = 'tminus.migration'::regclass and attname = 'format') as found",
  );
  if (row?.found === true) return;
  await session.query(
    `alter table tminus.migration add column format text not null default 'native';
     alter table tminus.migration add column file text`,
  );
}

/** One simple query, therefore all or nothing. The table that hasLedger looks for comes last. */
const TABLES = `
  create schema if not exists tminus;
  create table if not exists tminus.fence (
    environment text primary key,
    token bigint not null
  );
  create table if not exists tminus.migration (
    version text primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp(),
    duration_ms integer not null,
    applied_by text not null,
    run_key text not null,
    fence_token bigint not null,
    transactional boolean not null,
    down_sql text,
    down_line integer,
    format text not null default 'native',
    file text
  );
  create table if not exists tminus.migration_begun (
    version text not null,
    direction text not null check (direction in ('up', 'down')),
    code text not null,
    begun_at timestamptz not null default clock_timestamp(),
    run_key text not null,
    fence_token bigint not null,
    primary key (version, direction)
  )`;
