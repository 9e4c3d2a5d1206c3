import type { Session } from "../session/connect.ts";
import { quotedName, type RelationName } from "./names.ts";

/** A table as the catalog has it. */
export interface TableShape {
  oid: string;
  schema: string;
  name: string;
  /** Of the primary key, in its order; empty without one. */
  keyColumns: string[];
  columns: ColumnShape[];
  /** Tables that inherit from it, with their schema unless that is public; partitions are not among them. */
  inheritedBy: string[];
  /** The planner's estimate; -1 when it was never counted. */
  estimatedRows: number;
  /** Without indexes. */
  bytes: number;
}

export interface ColumnShape {
  name: string;
  /** As format_type writes it. */
  type: string;
  isGenerated: boolean;
  /** Expression of the default; null without one, and for identity columns. */
  default: string | null;
  /** What rows from before the column was added have in it, as text; null when nothing. */
  missing: string | null;
}

/** Undefined when there is no table of this name. Reads only. */
export async function readTable(session: Session, table: RelationName): Promise<TableShape | undefined> {
  const [row] = await session.query<TableShape>(
    `select c.oid::text as oid, n.nspname as schema, c.relname as name,
       coalesce((select array_agg(a.attname::text order by k.place)
         from pg_index i, unnest(i.indkey::int[]) with ordinality k (attnum, place)
         join pg_attribute a on a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and k.place <= i.indnkeyatts), '{}') as "keyColumns",
       coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
           'isGenerated', a.attgenerated <> '', 'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
           'missing', (a.attmissingval::text::text[])[1]) order by a.attnum)
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
       coalesce((select array_agg(case k.nspname when 'public' then '' else k.nspname || '.' end || i.relname order by i.oid)
         from pg_inherits h join pg_class i on i.oid = h.inhrelid join pg_namespace k on k.oid = i.relnamespace
         where h.inhparent = c.oid and c.relkind = 'r'), '{}') as "inheritedBy",
       c.reltuples::float8 as "estimatedRows", pg_table_size(c.oid)::float8 as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = to_regclass($1) and c.relkind in ('r', 'p')`,
    [quotedName(table)],
  );
  return row;
}

/** Keeps everybody else from a table until the transaction ends, and row security from hiding rows of it. */
export async function lockTable(session: Session, table: RelationName): Promise<void> {
  await session.query("set local row_security = off");
  await session.query(`lock table ${quotedName(table)} in access exclusive mode`);
}
