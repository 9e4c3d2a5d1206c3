import { USER_NAMESPACE, addressSql, named, notOfExtension, type ReadObjects } from "./catalog.ts";

export const readSchemas: ReadObjects = async (session) => {
  const rows = await session.query<{ address: string; key: string; name: string }>(
    `select ${named("pg_namespace", "n.oid")}, quote_ident(n.nspname) as name from pg_namespace n
     where ${USER_NAMESPACE} and ${notOfExtension("pg_namespace", "n.oid")}`,
  );
  return rows.map(({ address, key, name }) => ({
    address,
    key,
    phase: "before" as const,
    // Every new database has a schema public.
    sql: [`CREATE SCHEMA ${name === "public" ? "IF NOT EXISTS " : ""}${name}`],
  }));
};

export const readExtensions: ReadObjects = async (session) => {
  interface Row {
    address: string;
    key: string;
    name: string;
    schema: string;
    members: string[];
  }
  const rows = await session.query<Row>(
    `select ${named("pg_extension", "x.oid")}, quote_ident(x.extname) as name, quote_ident(n.nspname) as schema,
       array(select d.classid || ':' || d.objid from pg_depend d where d.refclassid = 'pg_extension'::regclass and d.refobjid = x.oid and d.deptype = 'e'
         union all select ${addressSql("pg_type", "t.typarray")} from pg_depend d join pg_type t on d.classid = 'pg_type'::regclass and t.oid = d.objid
           where d.refclassid = 'pg_extension'::regclass and d.refobjid = x.oid and d.deptype = 'e') as members
     from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname <> 'plpgsql'`,
  );
  return rows.map(({ address, key, name, schema, members }) => ({
    address,
    key,
    phase: "before" as const,
    aliases: members,
    sql: [`CREATE EXTENSION ${name}${schema === "pg_catalog" ? "" : ` WITH SCHEMA ${schema}`}`],
  }));
};

export const readEventTriggers: ReadObjects = async (session) => {
  const rows = await session.query<{
    address: string;
    key: string;
    name: string;
    event: string;
    tags: string[] | null;
    routine: string;
    enabled: string;
  }>(
    `select ${named("pg_event_trigger", "t.oid")}, quote_ident(t.evtname) as name, t.evtevent as event,
       (select array_agg(quote_literal(g) order by g) from unnest(t.evttags) g) as tags,
       t.evtfoid::regproc::text as routine, t.evtenabled as enabled
     from pg_event_trigger t where ${notOfExtension("pg_event_trigger", "t.oid")}`,
  );
  const states: Record<string, string> = { D: "DISABLE", R: "ENABLE REPLICA", A: "ENABLE ALWAYS" };
  return rows.map(({ address, key, name, event, tags, routine, enabled }) => ({
    address,
    key,
    phase: "last" as const,
    sql: [
      `CREATE EVENT TRIGGER ${name} ON ${event}${tags === null ? "" : ` WHEN TAG IN (${tags.join(", ")})`} EXECUTE FUNCTION ${routine}()`,
      ...(enabled in states ? [`ALTER EVENT TRIGGER ${name} ${states[enabled]}`] : []),
    ],
  }));
};
