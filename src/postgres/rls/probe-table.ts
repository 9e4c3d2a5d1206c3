import pg from "pg";
import type { JsonObject } from "../../model/json.ts";
import type { Session } from "../session/connect.ts";

/** A table or view as it is probed. */
export interface ProbedTable {
  /** Schema-qualified, each part quoted always, as in `"public"."users"`. */
  sql: string;
  /** For people: public.users. */
  name: string;
  isView: boolean;
  /** Columns that can be written. */
  columns: string[];
  /** Whose rows they are; undefined for a table without tenants. */
  tenantColumn: string | undefined;
}

/** Rows of the table as they are, which somebody who may see everything has picked. */
export interface Samples {
  /** One row that is not the identity's own. */
  foreign: Sample | undefined;
  /** One row that is. */
  own: Sample | undefined;
  /** How many rows are the identity's own, and in all; undefined above SMALL. */
  ownCount: number | undefined;
}

export interface Sample {
  /** Where it lies; undefined in a view. */
  place: string | undefined;
  row: JsonObject;
}

/** Statements over a whole table are only tried up to this many rows: they lock every one of them. */
const SMALL = 1_000;

/** Tables and views of the exposed schemas, with the columns that say whose a row is. Reads only. */
export async function listTables(
  session: Session,
  schemas: readonly string[],
  tenantColumnOf: (name: string, columns: readonly string[]) => string | undefined,
): Promise<ProbedTable[]> {
  const rows = await session.query<{
    schema: string;
    table: string;
    isView: boolean;
    all: string[];
    columns: string[];
  }>(
    `select n.nspname as schema, c.relname as table, c.relkind in ('v', 'm') as "isView",
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as all,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         and a.attgenerated = '' and a.attidentity <> 'a') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
       and c.relname <> '_prisma_migrations'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by 1, 2`,
    [schemas],
  );
  return rows.map(({ schema, table, isView, all, columns }) => {
    const name = `${schema}.${table}`;
    const sql = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
    return { sql, name, isView, columns, tenantColumn: tenantColumnOf(name, all) };
  });
}

/**
 * Picks rows with the rights of the connection. Errors: 42501 when row security would hide rows from it too, so
 * that finding none would prove nothing.
 */
export async function pickSamples(
  session: Session,
  table: ProbedTable,
  tenants: { own: string | undefined; foreign: string | undefined },
): Promise<Samples> {
  await session.query("set local row_security = off");
  const { tenantColumn } = table;
  const isTenant = tenantColumn !== undefined && tenants.own !== undefined;
  const foreign = await pick(session, table, isTenant ? tenants.foreign : undefined);
  const own = isTenant ? await pick(session, table, tenants.own) : undefined;
  const ownCount = await countOwn(session, table, isTenant ? tenants.own : undefined);
  await session.query("set local row_security = on");
  return { foreign, own, ownCount };
}

/** "tenant column equals value", as text, so that uuid, integer and text tenants are compared alike. */
export function isOf(table: ProbedTable, tenant: string): string {
  return `${pg.escapeIdentifier(table.tenantColumn!)}::text = ${pg.escapeLiteral(tenant)}`;
}

async function pick(
  session: Session,
  table: ProbedTable,
  tenant: string | undefined,
): Promise<Sample | undefined> {
  const place = table.isView ? "null" : "t.ctid::text";
  const where = tenant === undefined ? "" : `where ${isOf(table, tenant)}`;
  const [row] = await session.query<{ place: string | null; row: JsonObject }>(
    `select ${place} as place, to_jsonb(t) as row from ${table.sql} t ${where} limit 1`,
  );
  return row === undefined ? undefined : { place: row.place ?? undefined, row: row.row };
}

async function countOwn(
  session: Session,
  table: ProbedTable,
  tenant: string | undefined,
): Promise<number | undefined> {
  const own = tenant === undefined ? "false" : isOf(table, tenant);
  const [row] = await session.query<{ all: number; own: number }>(
    `select count(*)::integer as all, count(*) filter (where ${own})::integer as own
     from (select * from ${table.sql} limit ${SMALL + 1}) t`,
  );
  return row!.all > SMALL ? undefined : row!.own;
}
