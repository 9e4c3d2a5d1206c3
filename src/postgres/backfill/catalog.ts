import type { Session } from "../session/connect.ts";
import type { Leaf } from "./backfill.ts";

/** The table as the catalog knows it. */
export interface TableFacts {
  oid: number;
  /** With its schema, quoted. */
  table: string;
  /** "public.users". */
  title: string;
  relname: string;
  /** pg_class.relkind. */
  kind: string;
  owns: boolean;
  /** Whether row security hides rows from this role. */
  hidesRows: boolean;
  hasInheritance: boolean;
  isTemporary: boolean;
  serverVersion: number;
  searchPath: string;
}

export interface ColumnFacts {
  name: string;
  type: string;
  /** Whether IS DISTINCT FROM must compare texts, byte by byte: strings, and types without equality. */
  asText: boolean;
  isGenerated: boolean;
  isNotNull: boolean;
  isPartitionKey: boolean;
}

/** Undefined when there is no such table. Reads only. */
export async function readTable(session: Session, name: string): Promise<TableFacts | undefined> {
  const [row] = await session.query<TableFacts>(
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as table,
       n.nspname || '.' || c.relname as title, c.relname, c.relkind as kind,
       pg_has_role(c.relowner, 'usage') as owns,
       c.relrowsecurity and (c.relforcerowsecurity or not pg_has_role(c.relowner, 'usage'))
         and not (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as "hidesRows",
       not c.relispartition and c.relkind = 'r' and exists (select from pg_inherits where c.oid in (inhrelid, inhparent)) as "hasInheritance",
       c.relpersistence = 't' as "isTemporary",
       current_setting('server_version_num')::int as "serverVersion",
       (select coalesce(string_agg(format('%I', s), ', ' order by o), '""')
          from unnest(current_schemas(false)) with ordinality as x (s, o)) as "searchPath"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
    [name],
  );
  return row;
}

export async function readColumns(session: Session, oid: number): Promise<ColumnFacts[]> {
  return session.query<ColumnFacts>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       a.attcollation <> 0 or t.typcategory = 'S' or not exists (select from pg_operator o
         where o.oprname = '=' and o.oprcode <> 0 and o.oprleft in (b.oid, case when b.typlen = -1 and b.typelem <> 0 then 'anyarray'::regtype
           when b.typtype = 'e' then 'anyenum'::regtype when b.typtype = 'r' then 'anyrange'::regtype
           when b.typtype = 'm' then 'anymultirange'::regtype when b.typtype = 'c' then 'record'::regtype end)) as "asText",
       a.attgenerated <> '' or a.attidentity = 'a' as "isGenerated", a.attnotnull as "isNotNull",
       coalesce((select a.attnum = any (p.partattrs) from pg_partitioned_table p where p.partrelid = a.attrelid), false) as "isPartitionKey"
     from pg_attribute a join pg_type t on t.oid = a.atttypid
       join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [oid],
  );
}

/** The tables with rows, by name, and how many rows the statistics say they have together. Reads only. */
export async function readLeaves(
  session: Session,
  oid: number,
): Promise<{ leaves: Leaf[]; rows: number; foreign: string[] }> {
  const rows = await session.query<Leaf & { rows: number; readable: boolean }>(
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as name,
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 as pages,
       coalesce(pg_relation_filenode(c.oid), 0)::int8::float8 as filenode, greatest(c.reltuples, 0)::float8 as rows,
       c.relkind = 'r' and exists (select from pg_am m where m.oid = c.relam and m.amname = 'heap') as readable
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind <> 'p' and c.oid in (select $1::oid union select relid from pg_partition_tree($1::oid))
     order by n.nspname, c.relname`,
    [oid],
  );
  return {
    leaves: rows.map(({ oid, name, pages, filenode }) => ({ oid, name, pages, filenode })),
    rows: rows.reduce((sum, row) => sum + row.rows, 0),
    foreign: rows.filter(({ readable }) => !readable).map(({ name }) => name),
  };
}

/** Which of these functions do not promise the same answer for the same row. Reads only. */
export async function unrepeatableFunctions(session: Session, names: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `select distinct proname::text as name from pg_proc where proname = any ($1)
       and (provolatile = 'v' or proname in ('now', 'transaction_timestamp', 'statement_timestamp')) order by 1`,
    [names],
  );
  return rows.map(({ name }) => name);
}
