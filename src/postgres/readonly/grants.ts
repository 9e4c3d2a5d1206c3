import type { Session } from "../session/connect.ts";
import { quoted } from "../sql/names.ts";

/** Who may do what with one table; plain JSON. */
export interface Grants {
  /** The ACLs as the catalog writes them: of the table, then "column: acl" of each column that has one. */
  texts: (string | null)[];
  entries: GrantEntry[];
}

/** One privilege, in the order of the ACL. */
export interface GrantEntry {
  /** Null: of the whole table. */
  column: string | null;
  grantor: string;
  /** Null: everybody. */
  grantee: string | null;
  privilege: string;
  grantable: boolean;
  owner: string;
}

const WRITES = ["INSERT", "UPDATE", "DELETE", "TRUNCATE"];

/** Reads only. */
export async function readGrants(session: Session, oid: number): Promise<Grants> {
  const acls = await session.query<{ column: string | null; acl: string | null }>(
    `select null as column, relacl::text as acl, 0 as position from pg_class where oid = $1
     union all select attname::text, attacl::text, attnum from pg_attribute
       where attrelid = $1 and attacl is not null and not attisdropped order by position`,
    [oid],
  );
  const entries = await session.query<GrantEntry>(
    `select a.column, grantor.rolname::text as grantor, grantee.rolname::text as grantee,
       e.privilege_type as privilege, e.is_grantable as grantable, owner.rolname::text as owner
     from (select null::text as column, relacl as acl, 0 as position from pg_class where oid = $1
       union all select attname::text, attacl, attnum from pg_attribute
         where attrelid = $1 and attacl is not null and not attisdropped) a
     cross join lateral aclexplode(a.acl) with ordinality as e(grantor, grantee, privilege_type, is_grantable, ordinality)
     join pg_class c on c.oid = $1 join pg_roles owner on owner.oid = c.relowner
     join pg_roles grantor on grantor.oid = e.grantor left join pg_roles grantee on grantee.oid = e.grantee
     order by a.position, e.ordinality`,
    [oid],
  );
  return {
    texts: acls.map(({ column, acl }) => (column === null ? acl : `${column}: ${acl}`)),
    entries: entries.map(({ column, grantor, grantee, privilege, grantable, owner }) => ({
      column,
      grantor,
      grantee,
      privilege,
      grantable,
      owner,
    })),
  };
}

export function isSame(one: Grants, other: Grants): boolean {
  return JSON.stringify(one.texts) === JSON.stringify(other.texts);
}

/** The privileges to write that anybody but the owner has; the owner could grant them to itself again. */
export function writesOf({ entries }: Grants): GrantEntry[] {
  return entries.filter(({ privilege, grantee, owner }) => WRITES.includes(privilege) && grantee !== owner);
}

/** Takes the privileges to write from everybody but the owner. `table` is quoted. */
export async function revokeWrites(session: Session, table: string, grants: Grants): Promise<void> {
  // What a grantee has passed on goes with it.
  for (const grantee of new Set(writesOf(grants).map((entry) => entry.grantee)))
    await session.query(
      `revoke insert, update, delete, truncate on table ${table} from ${roleSql(grantee)} cascade`,
    );
}

/** Makes the grants what they were, in the same order. Only where nobody changed them since `current` was read. */
export async function rebuildGrants(
  session: Session,
  table: string,
  before: Grants,
  current: Grants,
): Promise<void> {
  for (const grantee of new Set(current.entries.map((entry) => entry.grantee)))
    await session.query(`revoke all on table ${table} from ${roleSql(grantee)} cascade`);
  await grantAll(session, table, before.entries);
}

/** Gives entries again. Answers those whose roles are gone. */
export async function grantAll(
  session: Session,
  table: string,
  entries: readonly GrantEntry[],
): Promise<GrantEntry[]> {
  const roles = await session.query<{ name: string }>("select rolname::text as name from pg_roles");
  const known = new Set(roles.map(({ name }) => name));
  const gone: GrantEntry[] = [];
  for (const entry of entries) {
    const { column, grantor, grantee, privilege, grantable, owner } = entry;
    if (!known.has(grantor) || (grantee !== null && !known.has(grantee))) {
      gone.push(entry);
      continue;
    }
    // PostgreSQL writes who grants into the ACL; what the owner's members grant counts as the owner's.
    if (grantor !== owner) await session.query(`set local role ${quoted(grantor)}`);
    await session.query(
      `grant ${privilege}${column === null ? "" : ` (${quoted(column)})`} on table ${table} to ${roleSql(grantee)}${grantable ? " with grant option" : ""}`,
    );
    if (grantor !== owner) await session.query("reset role");
  }
  return gone;
}

function roleSql(role: string | null): string {
  return role === null ? "public" : quoted(role);
}
