import { USER_NAMESPACE, named, notOfExtension, type ReadObjects } from "./catalog.ts";

/** Sequences of their own and those of serial columns; the ones of identity columns come with their table. */
export const readSequences: ReadObjects = async (session) => {
  const rows = await session.query<{
    address: string;
    key: string;
    name: string;
    options: string;
    unlogged: boolean;
  }>(
    `select ${named("pg_class", "c.oid")}, c.oid::regclass::text as name, ${SEQUENCE_OPTIONS} as options,
       c.relpersistence = 'u' as unlogged
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
     where c.relkind = 'S' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
       and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')`,
  );
  return rows.map(({ address, key, name, options, unlogged }) => ({
    address,
    key,
    phase: "before" as const,
    sql: [`CREATE ${unlogged ? "UNLOGGED " : ""}SEQUENCE ${name} ${options}`],
  }));
};

/** Which column a sequence belongs to, so that it goes with the column. */
export const readSequenceOwners: ReadObjects = async (session) => {
  const rows = await session.query<{ sequence: string; address: string; column: string }>(
    `select c.oid::regclass::text as sequence, c.oid::text as address, d.refobjid::regclass::text || '.' || quote_ident(a.attname) as column
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype = 'a' and d.refobjsubid > 0
       join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where c.relkind = 'S' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`,
  );
  return rows.map(({ sequence, address, column }) => ({
    address: `owned:${address}`,
    key: `column of sequence ${sequence}`,
    phase: "after" as const,
    sql: [`ALTER SEQUENCE ${sequence} OWNED BY ${column}`],
  }));
};

/** Of a pg_sequence row `s`. */
export const SEQUENCE_OPTIONS = `'AS ' || format_type(s.seqtypid, null) || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement
  || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache || case when s.seqcycle then ' CYCLE' else '' end`;
