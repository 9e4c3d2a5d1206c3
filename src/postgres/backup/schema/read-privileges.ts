import type { Session } from "../../session/connect.ts";
import {
  MADE_BY_ITSELF,
  USER_NAMESPACE,
  addressSql,
  grouped,
  literal,
  notOfExtension,
  type SchemaObject,
} from "./catalog.ts";

/** Everything that has an owner and privileges, as (address, what, word, name, owner, acl, kind for acldefault). */
const OWNED = `
  select ${addressSql("pg_namespace", "n.oid")} as address, 'SCHEMA' as word, quote_ident(n.nspname) as name, n.nspowner as owner, n.nspacl as acl, 'SCHEMA' as "grantWord"
  from pg_namespace n where ${USER_NAMESPACE} and ${notOfExtension("pg_namespace", "n.oid")}
  union all
  select ${addressSql("pg_class", "c.oid")}, case c.relkind when 'S' then 'SEQUENCE' when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' else 'TABLE' end,
    c.oid::regclass::text, case when c.relkind = 'S' and exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0) then null else c.relowner end,
    c.relacl, case c.relkind when 'S' then 'SEQUENCE' else 'TABLE' end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relpersistence <> 't' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
  union all
  select ${addressSql("pg_proc", "p.oid")}, 'ROUTINE', p.oid::regprocedure::text, p.proowner, p.proacl, 'ROUTINE'
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where p.prokind in ('f', 'p', 'w') and ${USER_NAMESPACE} and ${notOfExtension("pg_proc", "p.oid")} and ${MADE_BY_ITSELF}
  union all
  select ${addressSql("pg_type", "t.oid")}, case t.typtype when 'd' then 'DOMAIN' else 'TYPE' end, format_type(t.oid, null), t.typowner, t.typacl, 'TYPE'
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (select 1 from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    and ${USER_NAMESPACE} and ${notOfExtension("pg_type", "t.oid")}`;

const GRANTEE = "case when a.grantee = 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(a.grantee)) end";

interface OwnedRow {
  address: string;
  word: string;
  name: string;
  owner: string | null;
}

interface GrantRow {
  word: string;
  name: string;
  owner: string;
  grantee: string | null;
  privileges: string[];
  grantable: boolean;
}

/** Who owns what. A sequence that belongs to a column goes with its table. */
export async function readOwners(session: Session): Promise<SchemaObject[]> {
  const rows = await session.query<OwnedRow>(
    `select o.address, o.word, o.name, quote_ident(pg_get_userbyid(o.owner)) as owner from (${OWNED}) o where o.owner is not null order by o.word, o.name`,
  );
  return rows.map(({ address, word, name, owner }) => ({
    address: `owner:${address}`,
    key: `owner of ${word.toLowerCase()} ${name}`,
    phase: "last",
    sql: [`ALTER ${word} ${name} OWNER TO ${owner ?? ""}`],
  }));
}

/** Who may do what, where it is not what a new object has by itself. */
export async function readGrants(session: Session): Promise<SchemaObject[]> {
  const objects = await session.query<GrantRow>(
    `select o."grantWord" as word, o.name, quote_ident(pg_get_userbyid(o.real_owner)) as owner, ${GRANTEE_OR_NONE} as grantee,
       array_remove(array_agg(distinct a.privilege_type order by a.privilege_type), null) as privileges, coalesce(a.is_grantable, false) as grantable
     from (select p.*, coalesce(p.owner, (select c.relowner from pg_class c where ${addressSql("pg_class", "c.oid")} = p.address)) as real_owner from (${OWNED}) p) o
       left join lateral aclexplode(o.acl) a on true where o.acl is not null
     group by o."grantWord", o.name, o.real_owner, a.grantee, a.is_grantable order by 1, 2, 4, 6`,
  );
  const columns = await session.query<GrantRow & { column: string }>(
    `select 'TABLE' as word, c.oid::regclass::text as name, quote_ident(b.attname) as column, '' as owner, ${GRANTEE} as grantee,
       array_agg(distinct a.privilege_type order by a.privilege_type) as privileges, a.is_grantable as grantable
     from pg_attribute b join pg_class c on c.oid = b.attrelid join pg_namespace n on n.oid = c.relnamespace, lateral aclexplode(b.attacl) a
     where not b.attisdropped and c.relkind in ('r', 'p', 'v', 'm') and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
     group by c.oid, b.attname, a.grantee, a.is_grantable order by 2, 3, 5, 7`,
  );
  const byObject = grouped(objects, ({ word, name }) => `${word} ${name}`);
  return [
    ...[...byObject].map(([target, grants]) => objectGrants(target, grants)),
    ...columns.map((grant) => ({
      address: `grant:${grant.name}.${grant.column}:${grant.grantee ?? ""}:${grant.grantable}`,
      key: `privileges of ${grant.grantee ?? ""}${grant.grantable ? " with grant option" : ""} on column ${grant.name}.${grant.column}`,
      phase: "last" as const,
      sql: [
        `GRANT ${grant.privileges.map((privilege) => `${privilege} (${grant.column})`).join(", ")} ON TABLE ${grant.name} TO ${grant.grantee ?? ""}${grant.grantable ? " WITH GRANT OPTION" : ""}`,
      ],
    })),
  ];
}

const GRANTEE_OR_NONE = `case when a.grantee is null then null else ${GRANTEE} end`;

function objectGrants(target: string, grants: readonly GrantRow[]): SchemaObject {
  return {
    address: `grants:${target}`,
    key: `privileges on ${target.toLowerCase().slice(0, target.indexOf(" "))}${target.slice(target.indexOf(" "))}`,
    phase: "last",
    sql: [
      `REVOKE ALL ON ${target} FROM PUBLIC, ${grants[0]!.owner}`,
      ...grants.flatMap(({ grantee, privileges, grantable }) =>
        grantee === null
          ? []
          : [
              `GRANT ${privileges.join(", ")} ON ${target} TO ${grantee}${grantable ? " WITH GRANT OPTION" : ""}`,
            ],
      ),
    ],
  };
}

/** Which privileges objects get that are made later. */
export async function readDefaultPrivileges(session: Session): Promise<SchemaObject[]> {
  interface Row {
    oid: string;
    role: string;
    schema: string | null;
    word: string;
    grantee: string | null;
    privileges: string[];
    grantable: boolean;
  }
  const rows = await session.query<Row>(
    `select d.oid::text as oid, quote_ident(pg_get_userbyid(d.defaclrole)) as role,
       (select quote_ident(n.nspname) from pg_namespace n where n.oid = d.defaclnamespace) as schema,
       case d.defaclobjtype when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'f' then 'ROUTINES' when 'T' then 'TYPES' when 'n' then 'SCHEMAS' else 'LARGE OBJECTS' end as word,
       ${GRANTEE_OR_NONE} as grantee,
       array_remove(array_agg(distinct a.privilege_type order by a.privilege_type), null) as privileges, coalesce(a.is_grantable, false) as grantable
     from pg_default_acl d left join lateral aclexplode(d.defaclacl) a on true
     where not exists (select 1 from pg_depend e where e.classid = 'pg_default_acl'::regclass and e.objid = d.oid and e.deptype = 'e')
     group by d.oid, d.defaclrole, d.defaclnamespace, d.defaclobjtype, a.grantee, a.is_grantable order by 2, 3, 4, 5, 7`,
  );
  return [...grouped(rows, ({ oid }) => oid).values()].map((grants) => {
    const { oid, role, schema, word } = grants[0]!;
    const alter = `ALTER DEFAULT PRIVILEGES FOR ROLE ${role}${schema === null ? "" : ` IN SCHEMA ${schema}`}`;
    return {
      address: `default:${oid}`,
      key: `default privileges of ${role}${schema === null ? "" : ` in ${schema}`} on ${word.toLowerCase()}`,
      phase: "last" as const,
      sql: [
        // Within a schema they only add to what a role has everywhere.
        ...(schema === null ? [`${alter} REVOKE ALL ON ${word} FROM PUBLIC, ${role}`] : []),
        ...grants.flatMap(({ grantee, privileges, grantable }) =>
          grantee === null
            ? []
            : [
                `${alter} GRANT ${privileges.join(", ")} ON ${word} TO ${grantee}${grantable ? " WITH GRANT OPTION" : ""}`,
              ],
        ),
      ],
    };
  });
}

/** Comments on the objects with these addresses and on their columns. */
export async function readComments(
  session: Session,
  addresses: ReadonlySet<string>,
): Promise<SchemaObject[]> {
  interface Row {
    address: string;
    column: number;
    type: string;
    identity: string;
    text: string;
  }
  const rows = await session.query<Row>(
    `select d.classoid || ':' || d.objoid as address, d.objsubid as column, o.type, o.identity, d.description as text
     from pg_description d, lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) o
     where d.objoid >= 16384 or d.classoid = 'pg_namespace'::regclass order by o.type, o.identity`,
  );
  return rows
    .filter(({ address }) => addresses.has(address))
    .map(({ address, column, type, identity, text }) => ({
      address: `comment:${address}:${column}`,
      key: `comment on ${type} ${identity}`,
      phase: "last" as const,
      sql: [`COMMENT ON ${commentTarget(type, identity)} IS ${literal(text)}`],
    }));
}

function commentTarget(type: string, identity: string): string {
  if (type.endsWith(" column")) return `COLUMN ${identity}`;
  if (type === "composite type") return `TYPE ${identity}`;
  if (type === "table constraint") return `CONSTRAINT ${identity}`;
  if (type === "domain constraint") return `CONSTRAINT ${identity.replace(/ on (?=\S+$)/, " ON DOMAIN ")}`;
  if (type === "statistics object") return `STATISTICS ${identity}`;
  return `${type.toUpperCase()} ${identity}`;
}
