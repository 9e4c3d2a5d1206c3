import type { Session } from "../session/connect.ts";

/** Name of the trigger on every table that is read-only. */
export const TRIGGER = "tminus_readonly";

export interface UserTable {
  oid: number;
  /** Quoted, with its schema. */
  table: string;
  /** Whether this session's role may put a trigger on it. */
  isOurs: boolean;
  /** Whether the trigger is there, whole, and fires in every session. */
  isRefusing: boolean;
}

/**
 * Every ordinary and partitioned table outside the catalogs, tminus's own schemas and `except`; the partitions
 * too, because a write to a partition fires no statement trigger of its parent. Reads only.
 */
export function readTables(session: Session, except: readonly string[]): Promise<UserTable[]> {
  return session.query<UserTable>(
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as table,
       pg_has_role(c.relowner, 'USAGE') as "isOurs", exists (${REFUSING}) as "isRefusing"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname <> 'information_schema'
       and n.nspname !~ '^pg_' and n.nspname <> all ('{tminus,tminus_archive}') and n.nspname <> all ($1::text[])
     order by 2`,
    [except],
  );
}

/** Tables that have the trigger, wherever they are. Reads only. */
export function readTriggers(session: Session): Promise<{ oid: number; table: string }[]> {
  return session.query(
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as table
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where t.tgname = $1 order by 2`,
    [TRIGGER],
  );
}

export async function addTrigger(session: Session, table: string): Promise<void> {
  await session.query(`drop trigger if exists ${TRIGGER} on ${table}`);
  await session.query(createTrigger(table));
  // Also for sessions that are told to be replicas.
  await session.query(`alter table only ${table} enable always trigger ${TRIGGER}`);
}

/** What locks the table, for looking before it is asked for. */
export function createTrigger(table: string): string {
  return `create trigger ${TRIGGER} before insert or update or delete or truncate on ${table}
    for each statement execute function tminus.refuse_write()`;
}

export function dropTrigger(table: string): string {
  return `drop trigger if exists ${TRIGGER} on ${table}`;
}

/** 62: BEFORE, of the statement, for INSERT, DELETE, UPDATE and TRUNCATE. */
const REFUSING = `select from pg_trigger t where t.tgrelid = c.oid and t.tgname = '${TRIGGER}' and t.tgenabled = 'A'
  and t.tgtype = 62 and t.tgqual is null and t.tgfoid = (select p.oid from pg_proc p
    where p.proname = 'refuse_write' and p.pronargs = 0 and p.pronamespace = (select oid from pg_namespace where nspname = 'tminus'))`;
