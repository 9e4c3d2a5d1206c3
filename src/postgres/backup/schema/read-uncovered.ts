import type { Session } from "../../session/connect.ts";
import { USER_NAMESPACE, notOfExtension } from "./catalog.ts";

/**
 * What is in the database that a backup leaves out, one line each, sorted: nothing is dropped in silence.
 * Roles, passwords and tablespaces belong to the server and are never part of a database's backup.
 */
export async function readUncovered(session: Session): Promise<string[]> {
  const rows = await session.query<{ what: string }>(
    `${[...CATALOGS.map(uncoveredOf), ...SPECIAL].map((sql) => `(${sql})`).join("\nunion all\n")}\norder by 1`,
  );
  return rows.map(({ what }) => what);
}

/** Catalogs of which nothing is read, with a condition on their rows `o`. */
const CATALOGS: readonly [catalog: string, condition?: string][] = [
  ["pg_proc", "o.prokind = 'a'"],
  ["pg_operator"],
  ["pg_opclass"],
  ["pg_opfamily"],
  // A range type brings one to its multirange.
  [
    "pg_cast",
    "not exists (select 1 from pg_depend i where i.classid = 'pg_cast'::regclass and i.objid = o.oid and i.deptype = 'i')",
  ],
  ["pg_conversion"],
  ["pg_collation"],
  ["pg_language"],
  ["pg_transform"],
  ["pg_am"],
  ["pg_ts_config"],
  ["pg_ts_dict"],
  ["pg_ts_parser"],
  ["pg_ts_template"],
  ["pg_foreign_data_wrapper"],
  ["pg_foreign_server"],
  ["pg_publication"],
  ["pg_class", "o.relkind = 'f'"],
  ["pg_class", "o.relkind in ('r', 'p', 'm') and o.reloftype <> 0"],
  // The array types of all other types are base types, too.
  [
    "pg_type",
    "(o.typtype in ('b', 'p') and not exists (select 1 from pg_type el where el.typarray = o.oid))",
  ],
];

function uncoveredOf([catalog, condition = "true"]: readonly [string, string?]): string {
  return `select pg_describe_object('${catalog}'::regclass, o.oid, 0) as what from ${catalog} o
    where o.oid >= 16384 and ${condition} and ${notOfExtension(catalog, "o.oid")}`;
}

const RELATIONS = `from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`;

const SPECIAL: readonly string[] = [
  `select 'subscription ' || subname from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())`,
  `select count(*) || ' large objects' from pg_largeobject_metadata having count(*) > 0`,
  `select 'invalid index ' || x.indexrelid::regclass from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace where not x.indisvalid and c.relkind = 'i' and ${USER_NAMESPACE}`,
  `select 'tablespace of ' || c.oid::regclass ${RELATIONS} and c.reltablespace <> 0`,
  `select 'access method of ' || c.oid::regclass ${RELATIONS} and c.relkind in ('r', 'm') and c.relam <> (select oid from pg_am where amname = 'heap')`,
  `select 'rows that extension ' || extname || ' keeps in its tables' from pg_extension where extconfig is not null`,
  `select 'settings of the database' || coalesce(' for role ' || nullif(pg_get_userbyid(setrole), 'unknown (OID=0)'), '') from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())`,
  `select 'comment on the database' from pg_shdescription where classoid = 'pg_database'::regclass and objoid = (select oid from pg_database where datname = current_database()) and current_database() <> 'postgres'`,
  `select 'security label on ' || objtype || ' ' || objname from pg_seclabels`,
  `select 'disabled checks of constraints on ' || t.tgrelid::regclass from pg_trigger t where t.tgisinternal and t.tgenabled <> 'O' and t.tgparentid = 0 group by t.tgrelid`,
  `select 'encoding ' || current_setting('server_encoding') where current_setting('server_encoding') <> 'UTF8'`,
  `select 'privileges on ' || c.oid::regclass || ' granted by another than its owner' ${RELATIONS} and exists (select 1 from aclexplode(c.relacl) a where a.grantor <> c.relowner)`,
  `select 'domain constraint ' || k.conname || ' is not valid' from pg_constraint k where k.contypid <> 0 and not k.convalidated`,
  `select 'privileges on ' || pg_describe_object(i.classoid, i.objoid, 0) || ' of an extension' from pg_init_privs i left join pg_proc p on i.classoid = 'pg_proc'::regclass and p.oid = i.objoid left join pg_class c on i.classoid = 'pg_class'::regclass and c.oid = i.objoid where i.privtype = 'e' and i.objsubid = 0 and coalesce(p.proacl, c.relacl) is distinct from i.initprivs`,
];
