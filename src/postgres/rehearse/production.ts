import { readOnly, type Session, type SessionOptions } from "../session/connect.ts";
import { FOREIGN_SCHEMAS, relationName } from "./reading.ts";

/** What a rehearsal needs to know of the database that the files are meant for. */
export interface Production {
  /** Relation → estimated rows; null when the server was never asked to count. */
  rows: Map<string, number | null>;
  schemas: string[];
  roles: string[];
  extensions: string[];
  /** "users.email" → what the statistics say of its values. */
  columns: Map<string, ColumnStatistics>;
}

export interface ColumnStatistics {
  /** Share of NULL, 0 to 1. */
  nulls: number;
  /** As in pg_stats: above 0 a number of different values, below 0 minus their share of the rows. */
  distinct: number;
}

/**
 * Sizes and statistics as the catalog has them. Reads only the catalog: no row of the application, and no lock
 * on its tables. Errors: DATABASE_UNREACHABLE.
 */
export async function readProduction(options: SessionOptions): Promise<Production> {
  return readOnly(options, async (session) => {
    const tables = await session.query<{ schema: string; name: string; rows: number | null }>(SIZES);
    const columns = await session.query<ColumnRow>(STATISTICS);
    return {
      rows: new Map(tables.map(({ schema, name, rows }) => [relationName(schema, name), rows])),
      schemas: await names(session, "select nspname::text as name from pg_namespace"),
      roles: await names(session, "select rolname::text as name from pg_roles"),
      extensions: await names(session, "select extname::text as name from pg_extension"),
      columns: new Map(
        columns.map(({ schema, name, column, nulls, distinct }) => [
          `${relationName(schema, name)}.${column}`,
          { nulls, distinct },
        ]),
      ),
    };
  });
}

interface ColumnRow {
  schema: string;
  name: string;
  column: string;
  nulls: number;
  distinct: number;
}

async function names(session: Session, query: string): Promise<string[]> {
  return (await session.query<{ name: string }>(query)).map(({ name }) => name);
}

/** reltuples is -1 until the first ANALYZE or VACUUM; the counters of the statistics are then all there is. */
const SIZES = `
  select n.nspname::text as schema, c.relname::text as name,
    case when c.relkind in ('v', 'p') then 0 when c.reltuples >= 0 then greatest(c.reltuples, s.n_live_tup)::float8
         when s.n_live_tup > 0 then s.n_live_tup::float8 end as rows
  from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_stat_all_tables s on s.relid = c.oid
  where c.relkind in ('r', 'p', 'm', 'v', 'f') and n.nspname !~ '${FOREIGN_SCHEMAS}'`;

const STATISTICS = `
  select schemaname::text as schema, tablename::text as name, attname::text as column,
    null_frac::float8 as nulls, n_distinct::float8 as distinct
  from pg_stats where schemaname !~ '${FOREIGN_SCHEMAS}' limit 100000`;
