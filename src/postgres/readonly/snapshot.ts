import { ensureLedger } from "../migrations/ledger.ts";
import type { Session } from "../session/connect.ts";
import type { Grants } from "./grants.ts";
import { TRIGGER } from "./tables.ts";

/** What the database remembers of its read-only mode; there is no such row while it is off. */
export interface ModeRow {
  state: "turning on" | "on" | "turning off";
  startedBy: string;
  /** Schemas whose tables stay writable. */
  except: string[];
  /** ISO 8601. */
  since: string;
}

/** One table that is read-only, and what restores it. */
export interface SnapshotRow {
  /** Of the row; undefined until it is saved. */
  id?: number;
  oid: number;
  title: string;
  before: Grants;
  /** What was left after revoking. */
  during: Grants;
  /** False: they could not have been restored exactly, so they were left as they are. */
  revoked: boolean;
  /** Somebody changed the grants meanwhile: those are kept, and what was revoked is granted beside them. */
  changed: boolean;
}

/** Creates what is missing. Safe to repeat; call it under the session lock. */
export async function ensureReadOnlyTables(session: Session): Promise<void> {
  await ensureLedger(session);
  if (!(await hasReadOnlyTables(session))) await session.query(TABLES);
}

/** Undefined while it is off. Reads only. */
export async function readMode(session: Session): Promise<ModeRow | undefined> {
  if (!(await hasReadOnlyTables(session))) return undefined;
  const [row] = await session.query<ModeRow>(
    `select state, started_by as "startedBy", except_schemas as "except",
       to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from tminus.readonly`,
  );
  return row;
}

export async function writeMode(session: Session, row: Omit<ModeRow, "since">): Promise<void> {
  await session.query(
    `insert into tminus.readonly as r (state, started_by, except_schemas) values ($1, $2, $3)
     on conflict (id) do update set state = excluded.state, started_by = excluded.started_by,
       except_schemas = excluded.except_schemas, since = clock_timestamp()`,
    [row.state, row.startedBy, row.except],
  );
}

export async function removeMode(session: Session): Promise<void> {
  await session.query("delete from tminus.readonly");
}

/** A restored copy of the database has other oids: there the name tells which table a row is about. Reads only. */
export async function readSnapshot(session: Session): Promise<SnapshotRow[]> {
  if (!(await hasReadOnlyTables(session))) return [];
  return session.query<SnapshotRow>(
    `select t.id::float8 as id, case when c.oid is not null then t.oid else coalesce(named.oid, t.oid) end::int8::float8 as oid,
       t.title, t.before, t.during, t.revoked, t.changed
     from tminus.readonly_table t
     left join (select c.oid, exists (select from pg_trigger where tgrelid = c.oid and tgname = '${TRIGGER}') as refuses
       from pg_class c) named on named.oid = to_regclass(t.title)
     left join pg_class c on c.oid = t.oid and c.relkind in ('r', 'p')
       and (named.oid is null or named.oid = t.oid or not named.refuses)
     order by t.title`,
  );
}

export async function saveSnapshot(session: Session, row: SnapshotRow): Promise<void> {
  if (row.id !== undefined) {
    await session.query("update tminus.readonly_table set during = $2, changed = $3 where id = $1", [
      row.id,
      JSON.stringify(row.during),
      row.changed,
    ]);
    return;
  }
  await session.query(
    "insert into tminus.readonly_table (oid, title, before, during, revoked, changed) values ($1, $2, $3, $4, $5, $6)",
    [row.oid, row.title, JSON.stringify(row.before), JSON.stringify(row.during), row.revoked, row.changed],
  );
}

export async function removeSnapshot(session: Session, { id }: SnapshotRow): Promise<void> {
  await session.query("delete from tminus.readonly_table where id = $1", [id]);
}

async function hasReadOnlyTables(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus.readonly') is not null as found",
  );
  return row?.found === true;
}

/** One simple query, therefore all or nothing; the table that is looked for comes last. */
const TABLES = `
  create table if not exists tminus.readonly_table (
    id bigint generated always as identity primary key,
    oid oid not null,
    title text not null,
    before jsonb not null,
    during jsonb not null,
    revoked boolean not null,
    changed boolean not null
  );
  create or replace function tminus.refuse_write() returns trigger language plpgsql as $refuse$
    begin
      raise exception using errcode = 'read_only_sql_transaction',
        message = pg_catalog.format('%I.%I is read-only for maintenance', tg_table_schema, tg_table_name),
        hint = 'tminus db readonly off lets writes in again.';
    end $refuse$;
  create table if not exists tminus.readonly (
    id boolean primary key default true check (id),
    state text not null check (state in ('turning on', 'on', 'turning off')),
    started_by text not null,
    except_schemas text[] not null,
    since timestamptz not null default clock_timestamp()
  )`;
