import { FOREIGN_SCHEMAS, relationName } from "./reading.ts";
import type { Workbench } from "./workbench.ts";

/** A table as far as making rows for it needs to know. */
export interface TableShape {
  oid: string;
  relation: string;
  /** With quotes, usable in SQL. */
  quoted: string;
  columns: ColumnShape[];
  /** Column names of each unique index. */
  uniques: string[][];
  foreignKeys: { columns: string[]; parent: string; parentColumns: string[] }[];
  /** Conditions as SQL, without CHECK. */
  checks: string[];
}

export interface ColumnShape {
  name: string;
  /** For a cast: "character varying(20)". */
  type: string;
  /** The type's own name, of a domain's base: "varchar", "int4", "_text". */
  base: string;
  kind: "base" | "enum" | "array" | "other";
  required: boolean;
  /** Filled by the server: identity, generated, or from a sequence. */
  isAutomatic: boolean;
}

/** Every plain table, sorted by name. Reads only. */
export async function readShapes(bench: Workbench): Promise<TableShape[]> {
  const [row] = await bench.query<{ tables: string }>(SHAPES);
  const tables = JSON.parse(row!.tables) as RawTable[];
  return tables.map(({ oid, schema, name, columns, uniques, keys, checks }) => ({
    oid,
    relation: relationName(schema, name),
    quoted: `${quoteName(schema)}.${quoteName(name)}`,
    columns,
    uniques,
    foreignKeys: keys,
    checks,
  }));
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

interface RawTable {
  oid: string;
  schema: string;
  name: string;
  columns: ColumnShape[];
  uniques: string[][];
  keys: TableShape["foreignKeys"];
  checks: string[];
}

const namesOf = (table: string, numbers: string): string =>
  `(select json_agg(a.attname order by at.n) from unnest(${numbers}) with ordinality at(number, n)
     join pg_attribute a on a.attrelid = ${table} and a.attnum = at.number)`;

const SHAPES = `
  select coalesce(json_agg(json_build_object(
    'oid', c.oid::text, 'schema', n.nspname, 'name', c.relname,
    'columns', (select json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'base', b.typname,
        'kind', case when b.typtype = 'e' then 'enum' when b.typcategory = 'A' then 'array' when b.typtype = 'b' then 'base' else 'other' end,
        'required', a.attnotnull or t.typnotnull,
        'isAutomatic', a.attidentity <> '' or a.attgenerated <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false)
      ) order by a.attnum)
      from pg_attribute a join pg_type t on t.oid = a.atttypid
        join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'uniques', (select coalesce(json_agg(${namesOf("c.oid", "i.indkey::int2[]")}), '[]')
      from pg_index i where i.indrelid = c.oid and i.indisunique and i.indexprs is null),
    'keys', (select coalesce(json_agg(json_build_object('parent', k.confrelid::text,
        'columns', ${namesOf("k.conrelid", "k.conkey")}, 'parentColumns', ${namesOf("k.confrelid", "k.confkey")})), '[]')
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'),
    'checks', (select coalesce(json_agg(pg_get_expr(k.conbin, k.conrelid)), '[]')
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'c')
  ) order by n.nspname, c.relname), '[]')::text as tables
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname !~ '${FOREIGN_SCHEMAS}'
    and exists (select from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)`;
