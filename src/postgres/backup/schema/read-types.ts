import { USER_NAMESPACE, addressSql, named, notOfExtension, type ReadObjects } from "./catalog.ts";

interface Named {
  address: string;
  key: string;
  name: string;
}

/** The type beside its array, so that what uses the array depends on the type. */
const COLUMNS = `${named("pg_type", "t.oid")}, format_type(t.oid, null) as name, ${addressSql("pg_type", "t.typarray")} as array`;
const FROM = `from pg_type t join pg_namespace n on n.oid = t.typnamespace`;
const WHERE = `${USER_NAMESPACE} and ${notOfExtension("pg_type", "t.oid")}`;

export const readEnums: ReadObjects = async (session) => {
  const rows = await session.query<Named & { array: string; labels: string[] }>(
    `select ${COLUMNS}, array(select quote_literal(e.enumlabel) from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels
     ${FROM} where t.typtype = 'e' and ${WHERE}`,
  );
  return rows.map(({ address, key, name, array, labels }) => ({
    address,
    key,
    phase: "before" as const,
    aliases: [array],
    sql: [`CREATE TYPE ${name} AS ENUM (${labels.join(", ")})`],
  }));
};

export const readDomains: ReadObjects = async (session) => {
  interface Row extends Named {
    array: string;
    base: string;
    collation: string | null;
    fallback: string | null;
    notNull: boolean;
    checks: string[];
    checkAddresses: string[];
  }
  const rows = await session.query<Row>(
    `select ${COLUMNS}, format_type(t.typbasetype, t.typtypmod) as base,
       case when t.typcollation <> b.typcollation then t.typcollation::regcollation::text end as collation,
       coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)) as fallback, t.typnotnull as "notNull",
       array(select quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) from pg_constraint k
             where k.contypid = t.oid and k.contype = 'c' order by k.conname) as checks,
       array(select ${addressSql("pg_constraint", "k.oid")} from pg_constraint k where k.contypid = t.oid) as "checkAddresses"
     ${FROM} join pg_type b on b.oid = t.typbasetype where t.typtype = 'd' and ${WHERE}`,
  );
  return rows.map((row) => ({
    address: row.address,
    key: row.key,
    phase: "before" as const,
    aliases: [row.array, ...row.checkAddresses],
    sql: [
      [
        `CREATE DOMAIN ${row.name} AS ${row.base}`,
        ...(row.collation === null ? [] : [`COLLATE ${row.collation}`]),
        ...(row.fallback === null ? [] : [`DEFAULT ${row.fallback}`]),
        ...(row.notNull ? ["NOT NULL"] : []),
      ].join(" "),
      ...row.checks.map((check) => `ALTER DOMAIN ${row.name} ADD CONSTRAINT ${check}`),
    ],
  }));
};

export const readComposites: ReadObjects = async (session) => {
  const rows = await session.query<Named & { array: string; relation: string; columns: string[] }>(
    `select ${COLUMNS}, ${addressSql("pg_class", "t.typrelid")} as relation,
       array(select quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
           || case when a.attcollation <> y.typcollation then ' COLLATE ' || a.attcollation::regcollation::text else '' end
         from pg_attribute a join pg_type y on y.oid = a.atttypid
         where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns
     ${FROM} join pg_class c on c.oid = t.typrelid and c.relkind = 'c' where t.typtype = 'c' and ${WHERE}`,
  );
  return rows.map(({ address, key, name, array, relation, columns }) => ({
    address,
    key,
    phase: "before" as const,
    aliases: [array, relation],
    sql: [`CREATE TYPE ${name} AS (${columns.join(", ")})`],
  }));
};

export const readRanges: ReadObjects = async (session) => {
  interface Row extends Named {
    array: string;
    parts: string[];
    multirange: string;
  }
  const rows = await session.query<Row>(
    `select ${COLUMNS}, ${addressSql("pg_type", "r.rngmultitypid")} as multirange,
       array_remove(array['SUBTYPE = ' || format_type(r.rngsubtype, null),
         case when not o.opcdefault then 'SUBTYPE_OPCLASS = ' || quote_ident(on_.nspname) || '.' || quote_ident(o.opcname) end,
         case when r.rngcollation <> s.typcollation then 'COLLATION = ' || r.rngcollation::regcollation::text end,
         case when r.rngcanonical <> 0 then 'CANONICAL = ' || r.rngcanonical::regproc::text end,
         case when r.rngsubdiff <> 0 then 'SUBTYPE_DIFF = ' || r.rngsubdiff::regproc::text end,
         'MULTIRANGE_TYPE_NAME = ' || format_type(r.rngmultitypid, null)], null) as parts
     ${FROM} join pg_range r on r.rngtypid = t.oid join pg_type s on s.oid = r.rngsubtype
       join pg_opclass o on o.oid = r.rngsubopc join pg_namespace on_ on on_.oid = o.opcnamespace
     where t.typtype = 'r' and ${WHERE}`,
  );
  return rows.map(({ address, key, name, array, multirange, parts }) => ({
    address,
    key,
    phase: "before" as const,
    aliases: [array, multirange],
    sql: [`CREATE TYPE ${name} AS RANGE (${parts.join(", ")})`],
  }));
};
