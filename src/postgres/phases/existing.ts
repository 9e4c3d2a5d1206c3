import type { Session } from "../session/connect.ts";

/** What stood in the database before a set of migrations, by "schema.name". */
export interface Existing {
  /** Tables, views, sequences and the like: column → type as format_type writes it. */
  relations: ReadonlyMap<string, ReadonlyMap<string, string>>;
  functions: ReadonlySet<string>;
  types: ReadonlySet<string>;
  schemas: ReadonlySet<string>;
}

const USER_SCHEMA = `n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'tminus', 'tminus_archive')`;

/** Reads the names from the catalog; three queries whatever its size. Reads only. */
export async function readExisting(session: Session): Promise<Existing> {
  const relations = await session.query<{ key: string; columns: Record<string, string> }>(
    `select n.nspname || '.' || c.relname as key,
       coalesce(json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) filter (where a.attname is not null), '{}') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${USER_SCHEMA} group by 1`,
  );
  const others = await session.query<{ kind: "function" | "type"; key: string }>(
    `select 'function' as kind, n.nspname || '.' || p.proname as key
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${USER_SCHEMA}
     union select 'type', n.nspname || '.' || t.typname
     from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype in ('e', 'd', 'c', 'r') and ${USER_SCHEMA}`,
  );
  const schemas = await session.query<{ name: string }>(
    `select n.nspname as name from pg_namespace n where ${USER_SCHEMA}`,
  );
  const keys = (wanted: string): Set<string> =>
    new Set(others.filter(({ kind }) => kind === wanted).map(({ key }) => key));
  return {
    relations: new Map(relations.map(({ key, columns }) => [key, new Map(Object.entries(columns))])),
    functions: keys("function"),
    types: keys("type"),
    schemas: new Set(schemas.map(({ name }) => name)),
  };
}
