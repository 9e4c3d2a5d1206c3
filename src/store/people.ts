import { timingSafeEqual } from "node:crypto";
import { actorRecord } from "../model/actor-text.ts";
import { roleSchema, type Actor } from "../model/actor.ts";
import type { ApiToken, NewToken, NewUser, User } from "../model/people.ts";
import { canonicalName } from "../model/person-name.ts";
import { query, storedJson, type Pool } from "./pool.ts";

/** Users and their tokens; see migrations/0006_identity.sql for who may change what. */

interface UserRow {
  name: string;
  emails: string[];
  roles: string[];
  password_hash: string | null;
  created_at: Date;
  created_by: string;
  disabled_at: Date | null;
}

interface TokenRow {
  id: string;
  sha256: string;
  name: string;
  owner: string;
  kind: "human" | "agent";
  roles: string[];
  created_at: Date;
  created_by: string;
  expires_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
  is_valid: boolean;
  is_noted: boolean;
}

const userColumns = `name, roles, password_hash, created_at, created_by, disabled_at,
  array(select email from tminus.user_email where user_name = user_account.name order by email) as emails`;

/** By name. */
export async function listUsers(pool: Pool): Promise<User[]> {
  const rows = await query<UserRow>(pool, `select ${userColumns} from tminus.user_account order by name`);
  return rows.map(toUser);
}

export async function hasUsers(pool: Pool): Promise<boolean> {
  return (await query(pool, "select 1 from tminus.user_account limit 1")).length === 1;
}

/** With the hash of the password, which is handed to nobody else. */
export async function findUser(
  pool: Pool,
  name: string,
): Promise<{ user: User; passwordHash: string | undefined } | undefined> {
  const [row] = await query<UserRow>(pool, `select ${userColumns} from tminus.user_account where name = $1`, [
    canonicalName(name),
  ]);
  return row === undefined ? undefined : { user: toUser(row), passwordHash: row.password_hash ?? undefined };
}

/** An e-mail belongs to one user. */
export async function findUserByEmail(pool: Pool, email: string): Promise<User | undefined> {
  const [row] = await query<UserRow>(
    pool,
    `select ${userColumns} from tminus.user_account
     where name = (select user_name from tminus.user_email where email = $1)`,
    [canonicalName(email)],
  );
  return row === undefined ? undefined : toUser(row);
}

/** Errors: PERMISSION_REFUSED, USER_INVALID. */
export async function addUser(
  pool: Pool,
  user: NewUser,
  passwordHash: string | undefined,
  actor: Actor,
): Promise<void> {
  const name = canonicalName(user.name);
  const emails = [...new Set(user.emails.map(canonicalName))];
  await query(pool, "select tminus.add_user($1, $2, $3, $4, $5, $6, $7)", [
    name,
    emails,
    user.roles,
    passwordHash ?? null,
    checkedName(actor),
    actor.name,
    storedJson({ user: name, emails, roles: user.roles, by: actorRecord(actor) }),
  ]);
}

/** Errors: PERMISSION_REFUSED, USER_INVALID. */
export async function changeUser(
  pool: Pool,
  user: string,
  change: { roles?: readonly string[]; disabled?: true; passwordHash?: string },
  actor: Actor,
): Promise<void> {
  const { roles, disabled = false, passwordHash } = change;
  const name = canonicalName(user);
  const what = { user: name, roles, disabled, password: passwordHash !== undefined, by: actorRecord(actor) };
  await query(pool, "select tminus.change_user($1, $2, $3, $4, $5, $6, $7)", [
    name,
    roles ?? null,
    disabled,
    passwordHash ?? null,
    checkedName(actor),
    actor.name,
    storedJson(what),
  ]);
}

/** Errors: PERMISSION_REFUSED, USER_INVALID. */
export async function addToken(
  pool: Pool,
  id: string,
  tokenSha256: string,
  token: NewToken,
  actor: Actor,
): Promise<void> {
  const owner = canonicalName(token.owner);
  const { name, kind, roles, validMs } = token;
  await query(pool, "select tminus.add_token($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", [
    id,
    tokenSha256,
    name,
    owner,
    kind,
    roles,
    validMs,
    checkedName(actor),
    actor.name,
    storedJson({ token: id, name, owner, kind, roles, by: actorRecord(actor) }),
  ]);
}

/** Newest first. */
export async function listTokens(pool: Pool): Promise<ApiToken[]> {
  const rows = await query<TokenRow>(pool, "select * from tminus.api_token order by created_at desc, id");
  return rows.map(toToken);
}

/** Errors: PERMISSION_REFUSED, USER_INVALID. */
export async function revokeToken(pool: Pool, id: string, actor: Actor): Promise<void> {
  const data = storedJson({ token: id, by: actorRecord(actor) });
  await query(pool, "select tminus.revoke_token($1, $2, $3, $4)", [id, checkedName(actor), actor.name, data]);
}

/**
 * The token when it is good now, which is noted at most once a minute. The same comparison is made for an id that nobody has, in a time that
 * does not depend on what is compared.
 */
export async function useToken(pool: Pool, id: string, tokenSha256: string): Promise<ApiToken | undefined> {
  const [row] = await query<TokenRow>(
    pool,
    `select *, revoked_at is null and expires_at > clock_timestamp() as is_valid,
       coalesce(last_used_at > clock_timestamp() - interval '1 minute', false) as is_noted
     from tminus.api_token where id = $1`,
    [id],
  );
  const kept = Buffer.from(row?.sha256 ?? "0".repeat(64), "hex");
  const matches = timingSafeEqual(kept, Buffer.from(tokenSha256, "hex"));
  if (row === undefined || !matches || !row.is_valid) return undefined;
  if (!row.is_noted) await query(pool, "select tminus.note_token_use($1)", [id]);
  return toToken(row);
}

/** Until when the name is locked; undefined when the password may be looked at, which counts as failed until endLogin. */
export async function beginLogin(pool: Pool, name: string): Promise<Date | undefined> {
  const [row] = await query<{ until: Date | null }>(pool, "select tminus.begin_login($1) as until", [
    canonicalName(name),
  ]);
  return row?.until ?? undefined;
}

/** The attempt succeeded: those before it are forgotten. */
export async function endLogin(pool: Pool, name: string): Promise<void> {
  await query(pool, "select tminus.end_login($1)", [canonicalName(name)]);
}

/** Only a checked identity may change anything. */
function checkedName({ name, checked }: Actor): string | null {
  return checked.by === "none" ? null : canonicalName(name);
}

function toUser(row: UserRow): User {
  return {
    name: row.name,
    emails: row.emails,
    roles: row.roles.map((role) => roleSchema.parse(role)),
    hasPassword: row.password_hash !== null,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.disabled_at === null ? {} : { disabledAt: row.disabled_at }),
  };
}

function toToken(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    kind: row.kind,
    roles: row.roles.map((role) => roleSchema.parse(role)),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}
