import type { RelationName } from "../../sql/names.ts";
import type { Session } from "../../session/connect.ts";

export interface IndexRow {
  oid: number;
  /** Quoted, with its schema. */
  name: string;
  isValid: boolean;
  /** Another session is just building it. */
  isBeingBuilt: boolean;
}

/** Object id of a relation; null when there is none of this name. */
export async function findRelation(session: Session, { schema, name }: RelationName): Promise<number | null> {
  const text = [...(schema === undefined ? [] : [schema]), name].map(quoted).join(".");
  const [row] = await session.query<{ oid: number | null }>(
    "select to_regclass($1)::oid::int8::float8 as oid",
    [text],
  );
  return row?.oid ?? null;
}

/** Indexes of a table, or of every table of the database that is not the system's own. Reads only. */
export async function readIndexes(
  session: Session,
  table: number | null,
): Promise<(IndexRow & { relname: string })[]> {
  return session.query(
    `select c.oid::int8::float8 as oid, c.relname, format('%I.%I', n.nspname, c.relname) as name, i.indisvalid as "isValid",
       exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid) as "isBeingBuilt"
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where ($1::int8 is null or i.indrelid = $1::int8::oid) and n.nspname not in ('pg_catalog', 'pg_toast')`,
    [table],
  );
}

/** Drops an index by its quoted name without keeping anybody from its table. */
export async function dropConcurrently(session: Session, quotedName: string): Promise<void> {
  await session.query("set lock_timeout = 0");
  await session.query(`drop index concurrently if exists ${quotedName}`);
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
