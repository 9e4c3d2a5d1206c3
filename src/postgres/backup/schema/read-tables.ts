import type { Session } from "../../session/connect.ts";
import {
  USER_NAMESPACE,
  addressSql,
  grouped,
  named,
  notOfExtension,
  withOptions,
  type ReadObjects,
  type SchemaObject,
} from "./catalog.ts";
import { SEQUENCE_OPTIONS } from "./read-sequences.ts";

interface TableRow {
  address: string;
  key: string;
  oid: string;
  name: string;
  unlogged: boolean;
  isPartition: boolean;
  options: string[] | null;
  partitionKey: string | null;
  bound: string | null;
  parents: string[] | null;
  replicaIdentity: string;
  rowType: string;
  arrayType: string;
  rowSecurity: boolean;
  forceRowSecurity: boolean;
}

interface ColumnRow {
  table: string;
  name: string;
  type: string;
  collation: string | null;
  notNull: boolean;
  /** Only when it is not the one that the server would choose. */
  notNullName: string | null;
  isLocal: boolean;
  generated: string;
  identity: string;
  identitySequence: string | null;
  identityAddress: string | null;
  expression: string | null;
  defaultAddress: string | null;
  storage: string | null;
  compression: string | null;
  statistics: number | null;
  options: string[] | null;
}

/** An option that the servers of November 2026 (15.20) write into a column themselves: of no use in another database. */
const COUNTED_BY_THE_SERVER = "pg_attver";

/** Tables with their columns, identities and generated columns. Partitions are made alone and attached. */
export const readTables: ReadObjects = async (session) => {
  const tables = await session.query<TableRow>(
    `select ${named("pg_class", "c.oid")}, c.oid::text as oid, c.oid::regclass::text as name, c.relpersistence = 'u' as unlogged,
       c.relispartition as "isPartition",
       nullif(coalesce(c.reloptions, '{}') || coalesce((select array_agg('toast.' || o) from pg_class t, unnest(t.reloptions) o where t.oid = c.reltoastrelid), '{}'), '{}') as options,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as "partitionKey",
       case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound,
       (select array_agg(i.inhparent::regclass::text order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid) as parents,
       c.relreplident as "replicaIdentity", ${addressSql("pg_type", "c.reltype")} as "rowType",
       ${addressSql("pg_type", "(select y.typarray from pg_type y where y.oid = c.reltype)")} as "arrayType",
       c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as "forceRowSecurity"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`,
  );
  const columns = grouped(await readColumns(session), ({ table }) => table);
  return tables.flatMap((table) => objectsOf(table, columns.get(table.oid) ?? []));
};

/** Defaults of columns, also of views; those of generated columns come with the table. */
export const readDefaults: ReadObjects = async (session) => {
  const rows = await session.query<{ address: string; key: string; target: string; expression: string }>(
    `select ${named("pg_attrdef", "d.oid")}, c.oid::regclass::text || ' ALTER COLUMN ' || quote_ident(a.attname) as target, pg_get_expr(d.adbin, d.adrelid) as expression
     from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
       join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v') and a.attgenerated = '' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`,
  );
  return rows.map(({ address, key, target, expression }) => ({
    address,
    key,
    phase: "before" as const,
    sql: [`ALTER TABLE ONLY ${target} SET DEFAULT ${expression}`],
  }));
};

function readColumns(session: Session): Promise<ColumnRow[]> {
  return session.query<ColumnRow>(
    `select c.oid::text as table, quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type,
       case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collation,
       a.attnotnull and not coalesce(not nn.convalidated, false) as "notNull",
       case when nn.conname <> left(c.relname, 63) || '_' || a.attname || '_not_null' then quote_ident(nn.conname) end as "notNullName",
       a.attislocal as "isLocal", a.attgenerated as generated, a.attidentity as identity,
       case when s.seqrelid is not null then s.seqrelid::regclass::text || ' ' || ${SEQUENCE_OPTIONS} end as "identitySequence",
       ${addressSql("pg_class", "s.seqrelid")} as "identityAddress",
       case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end as expression,
       case when a.attgenerated <> '' then ${addressSql("pg_attrdef", "d.oid")} end as "defaultAddress",
       case when a.attstorage <> t.typstorage then case a.attstorage when 'p' then 'PLAIN' when 'e' then 'EXTERNAL' when 'm' then 'MAIN' else 'EXTENDED' end end as storage,
       case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
       nullif(a.attstattarget, -1)::int as statistics,
       nullif(array(select o from unnest(a.attoptions) o where not starts_with(o, '${COUNTED_BY_THE_SERVER}=')), '{}') as options
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_type t on t.oid = a.atttypid
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       left join pg_constraint nn on nn.conrelid = a.attrelid and nn.contype = 'n' and nn.conkey = array[a.attnum]
       left join pg_depend i on i.refclassid = 'pg_class'::regclass and i.refobjid = a.attrelid and i.refobjsubid = a.attnum
         and i.classid = 'pg_class'::regclass and i.deptype = 'i' and a.attidentity <> ''
       left join pg_sequence s on s.seqrelid = i.objid
     where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and ${USER_NAMESPACE}
     order by c.oid, a.attnum`,
  );
}

function objectsOf(table: TableRow, columns: readonly ColumnRow[]): SchemaObject[] {
  const { name } = table;
  const inherits = table.isPartition ? null : table.parents;
  const own = columns.filter(({ isLocal }) => inherits === null || isLocal).map(columnSql);
  const create = [
    `CREATE ${table.unlogged ? "UNLOGGED " : ""}TABLE ${name} (${own.map((line) => `\n  ${line}`).join(",")}\n)`,
    ...(inherits === null ? [] : [` INHERITS (${inherits.join(", ")})`]),
    ...(table.partitionKey === null ? [] : [` PARTITION BY ${table.partitionKey}`]),
    withOptions(table.options),
  ].join("");
  const attach =
    table.bound === null
      ? []
      : [`ALTER TABLE ONLY ${table.parents?.[0] ?? ""} ATTACH PARTITION ${name} ${table.bound}`];
  const object: SchemaObject = {
    address: table.address,
    key: table.key,
    phase: "before",
    aliases: [
      table.rowType,
      table.arrayType,
      ...columns.flatMap(({ identityAddress, defaultAddress }) =>
        [identityAddress, defaultAddress].filter((alias) => alias !== null),
      ),
    ],
    sql: [create, ...columns.flatMap((column) => settingsOf(name, column)), ...attach],
  };
  const security = [
    ...(table.rowSecurity ? [`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`] : []),
    ...(table.forceRowSecurity ? [`ALTER TABLE ONLY ${name} FORCE ROW LEVEL SECURITY`] : []),
    ...(table.replicaIdentity === "f" ? [`ALTER TABLE ONLY ${name} REPLICA IDENTITY FULL`] : []),
    ...(table.replicaIdentity === "n" ? [`ALTER TABLE ONLY ${name} REPLICA IDENTITY NOTHING`] : []),
  ];
  if (security.length === 0) return [object];
  return [
    object,
    { address: `settings:${table.oid}`, key: `settings of ${table.key}`, phase: "after", sql: security },
  ];
}

function columnSql(column: ColumnRow): string {
  const { name, type, collation, notNull, notNullName, generated, expression, identity, identitySequence } =
    column;
  return [
    `${name} ${type}`,
    ...(collation === null ? [] : [`COLLATE ${collation}`]),
    ...(generated === ""
      ? []
      : [`GENERATED ALWAYS AS (${expression ?? ""}) ${generated === "v" ? "VIRTUAL" : "STORED"}`]),
    ...(identitySequence === null
      ? []
      : [
          `GENERATED ${identity === "a" ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY (SEQUENCE NAME ${withoutType(identitySequence)})`,
        ]),
    ...(notNull ? [`${notNullName === null ? "" : `CONSTRAINT ${notNullName} `}NOT NULL`] : []),
  ].join(" ");
}

/** An identity's sequence has the type of its column. */
function withoutType(sequence: string): string {
  return sequence.replace(/ AS \w+ START WITH /, " START WITH ");
}

function settingsOf(table: string, { name, storage, compression, statistics, options }: ColumnRow): string[] {
  const alter = `ALTER TABLE ONLY ${table} ALTER COLUMN ${name}`;
  return [
    ...(storage === null ? [] : [`${alter} SET STORAGE ${storage}`]),
    ...(compression === null ? [] : [`${alter} SET COMPRESSION ${compression}`]),
    ...(statistics === null ? [] : [`${alter} SET STATISTICS ${statistics}`]),
    ...(options === null ? [] : [`${alter} SET${withOptions(options).replace(" WITH", "")}`]),
  ];
}
