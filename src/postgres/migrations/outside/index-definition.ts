import type { IndexStmt } from "libpg-query";
import { sqlStateOf, type Session } from "../../session/connect.ts";
import { quoted } from "./catalog.ts";

/**
 * An index that a statement would make, in PostgreSQL's own words and without its name: it is built on an empty
 * temporary copy of the table, in a transaction that is rolled back. Null when the role may not do that, or the
 * database refuses the statement. Expects no open transaction.
 */
export async function definitionOf(
  session: Session,
  table: number,
  statement: IndexStmt,
): Promise<string | null> {
  const { deparseSync } = await import("pgsql-deparser");
  try {
    await session.query("begin");
    const [found] = await session.query<{ name: string; full: string }>(
      `select c.relname as name, format('%I.%I', n.nspname, c.relname) as full
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::int8::oid`,
      [table],
    );
    if (found === undefined) return null;
    await session.query(`create temporary table ${quoted(found.name)} (like ${found.full})`);
    const relation = { ...statement.relation, schemaname: "pg_temp", relname: found.name };
    await session.query(deparseSync({ IndexStmt: { ...statement, concurrent: false, relation } }));
    const [copy] = await session.query<{ oid: number }>("select to_regclass($1)::oid::int8::float8 as oid", [
      `pg_temp.${quoted(found.name)}`,
    ]);
    const [definition] = (await readInTransaction(session, copy!.oid)).values();
    return definition ?? null;
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    // The statement itself is going to say what is wrong with it.
    return null;
  } finally {
    await session.rollback();
  }
}

/** The indexes of a table in the words of definitionOf, by object id. Reads only; expects no open transaction. */
export async function readDefinitions(session: Session, table: number): Promise<Map<number, string>> {
  try {
    await session.query("begin");
    return await readInTransaction(session, table);
  } finally {
    await session.rollback();
  }
}

/** The search path decides which names are written in full. */
async function readInTransaction(session: Session, table: number): Promise<Map<number, string>> {
  await session.query("set local search_path = pg_catalog");
  const rows = await session.query<{ oid: number; definition: string }>(
    `select i.indexrelid::int8::float8 as oid, kind || substr(pg_get_indexdef(i.indexrelid),
         length(kind || format('INDEX %I ON %I.%I ', x.relname, schema, t.relname)) + 1) as definition
       from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace,
       lateral (select case when i.indisunique then 'CREATE UNIQUE ' else 'CREATE ' end) as k (kind),
       lateral (select case when n.oid = pg_my_temp_schema() then 'pg_temp' else n.nspname end) as s (schema)
       where i.indrelid = $1::int8::oid`,
    [table],
  );
  return new Map(rows.map(({ oid, definition }) => [oid, definition]));
}
