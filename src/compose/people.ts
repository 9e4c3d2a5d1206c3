import { TminusError } from "../errors.ts";
import { sha256 } from "../lib/hash.ts";
import { randomText } from "../lib/id.ts";
import { MAX_PASSWORD, MIN_PASSWORD, hashPassword, verifyPassword } from "../lib/password.ts";
import { Secret } from "../lib/redact.ts";
import { uncheckedActor, type Actor } from "../model/actor.ts";
import {
  MAX_TOKEN_MS,
  newUserSchema,
  type Claim,
  type MadeToken,
  type NewToken,
  type People,
  type User,
} from "../model/people.ts";
import { sameName } from "../model/person-name.ts";
import * as people from "../store/people.ts";
import type { Pool } from "../store/pool.ts";

/** 200 random bits; the beginning lets scanners for secrets find it. */
const TOKEN_FORM = /^tminus_([0-9a-z]{8})_[0-9a-z]{40}$/;

const FIRST_TOKEN_MS = 90 * 86_400_000;

/** See Tminus.identify. `secret` finds what a reference in place of the token names. */
export async function identify(
  claim: Claim,
  pool: () => Promise<Pool>,
  secret: (reference: string) => Secret,
): Promise<Actor> {
  switch (claim.by) {
    case "name":
      return uncheckedActor(claim.name);
    case "password":
      return byPassword(await pool(), claim);
    case "oidc":
      return byProvider(await pool(), claim);
    case "token": {
      const given = claim.token.reveal();
      const token = /^(env|file):/.test(given) ? secret(given) : claim.token;
      return byToken(await pool(), { ...claim, token });
    }
  }
}

export function openPeople(pool: () => Promise<Pool>): People {
  const named = async (name: string): Promise<User> => {
    const found = await people.findUser(await pool(), name);
    if (found === undefined) throw new TminusError("USER_INVALID", `there is no user ${name}`);
    return found.user;
  };
  const tokenOf = async (id: string) => {
    const token = (await people.listTokens(await pool())).find((one) => one.id === id);
    if (token === undefined) throw new TminusError("USER_INVALID", `there is no token ${id}`);
    return token;
  };
  const issue = async (token: NewToken, actor: Actor): Promise<MadeToken> => {
    const id = randomText(8);
    const secret = `tminus_${id}_${randomText(40)}`;
    await people.addToken(await pool(), id, sha256(secret), token, actor);
    return { token: await tokenOf(id), secret: new Secret(secret, "the new token") };
  };
  return {
    async addUser(user, { password, token }, actor) {
      const { name, emails, roles } = checkNewUser(user);
      const isFirst = !(await people.hasUsers(await pool()));
      if (!isFirst) requireAdmin(actor);
      const all = isFirst ? [...new Set([...roles, "admin" as const])] : roles;
      const hash = password === undefined ? undefined : await hashed(password);
      await people.addUser(await pool(), { name, emails, roles: all }, hash, actor);
      const added = await named(name);
      if (token !== true) return { user: added };
      // There is nobody yet who could make it for the first user.
      const self: Actor = {
        name: added.name,
        checked: { by: "password" },
        kind: "human",
        emails,
        roles: all,
      };
      const first = {
        name: "first",
        owner: added.name,
        kind: "human",
        roles: all,
        validMs: FIRST_TOKEN_MS,
      } as const;
      return { user: added, token: await issue({ ...first, roles: all }, isFirst ? self : actor) };
    },
    hasUsers: async () => people.hasUsers(await pool()),
    users: async () => people.listUsers(await pool()),
    async changeUser(name, { roles, disabled, password }, actor) {
      const isOwnPassword = sameName(name, actor.name) && roles === undefined && disabled === undefined;
      // A token may have fewer roles than its owner: it does not become a password, which has all of them.
      if (!isOwnPassword || actor.checked.by !== "password") requireAdmin(actor);
      const change = {
        ...(roles === undefined ? {} : { roles }),
        ...(disabled === undefined ? {} : { disabled }),
        ...(password === undefined ? {} : { passwordHash: await hashed(password) }),
      };
      await people.changeUser(await pool(), name, change, actor);
      return named(name);
    },
    async createToken(token, actor) {
      requireOwnerOrAdmin(token.owner, actor);
      if (token.validMs > MAX_TOKEN_MS)
        throw new TminusError(
          "USER_INVALID",
          `a token is good for at most ${MAX_TOKEN_MS / 86_400_000} days`,
          {
            hint: "Make one that ends sooner, and another before it ends.",
          },
        );
      if (sameName(token.owner, actor.name)) requireNoMore(token.roles, actor);
      return issue(token, actor);
    },
    tokens: async () => people.listTokens(await pool()),
    async revokeToken(id, actor) {
      requireOwnerOrAdmin((await tokenOf(id)).owner, actor);
      await people.revokeToken(await pool(), id, actor);
      return tokenOf(id);
    },
  };
}

async function byPassword(pool: Pool, claim: { name: string; password: Secret }): Promise<Actor> {
  const until = await people.beginLogin(pool, claim.name);
  if (until !== undefined)
    throw new TminusError("LOGIN_LOCKED", `${claim.name} is locked until ${until.toISOString()}`);
  const found = await people.findUser(pool, claim.name);
  const mayTry = found?.user.disabledAt === undefined ? found?.passwordHash : undefined;
  const matches = await verifyPassword(mayTry, claim.password.reveal());
  if (!matches || found === undefined) throw refused("the name or the password is wrong");
  await people.endLogin(pool, claim.name);
  const { name, emails, roles } = found.user;
  return { name, checked: { by: "password" }, kind: "human", emails, roles };
}

async function byProvider(pool: Pool, claim: { issuer: string; email: string }): Promise<Actor> {
  const user = await people.findUserByEmail(pool, claim.email);
  if (user === undefined || user.disabledAt !== undefined)
    throw new TminusError("IDENTITY_REFUSED", "nobody with this e-mail may sign in", {
      hint: "An admin adds users, with the e-mail that the identity provider knows: tminus user add.",
    });
  const { name, emails, roles } = user;
  return { name, checked: { by: "oidc", issuer: claim.issuer }, kind: "human", emails, roles };
}

async function byToken(pool: Pool, claim: { token: Secret; name?: string }): Promise<Actor> {
  const text = claim.token.reveal();
  const token = await people.useToken(pool, TOKEN_FORM.exec(text)?.[1] ?? "", sha256(text));
  const found = token === undefined ? undefined : await people.findUser(pool, token.owner);
  if (token === undefined || found === undefined || found.user.disabledAt !== undefined)
    throw refused("the token is not good");
  const { name, emails, roles } = found.user;
  if (claim.name !== undefined && !sameName(claim.name, name))
    throw refused(`the token is that of ${name}, not of ${claim.name}`);
  return {
    name,
    checked: { by: "token", token: token.id },
    kind: token.kind,
    emails,
    roles: token.roles.filter((role) => roles.includes(role)),
  };
}

function refused(message: string): TminusError {
  return new TminusError("IDENTITY_REFUSED", message);
}

/** The store looks at the user's roles again; a token may have fewer. */
function requireAdmin(actor: Actor): void {
  requireHuman(actor);
  if (!actor.roles.includes("admin")) throw denied(actor, "they do not act as an admin");
}

function requireOwnerOrAdmin(owner: string, actor: Actor): void {
  requireHuman(actor);
  if (!sameName(owner, actor.name)) requireAdmin(actor);
}

/** An agent would make itself a token that counts as a person's. */
function requireHuman(actor: Actor): void {
  if (actor.kind === "human") return;
  throw denied(actor, actor.kind === "agent" ? "they are an agent" : "nobody has checked who that is");
}

function denied({ name }: Actor, why: string): TminusError {
  return new TminusError("PERMISSION_REFUSED", `${name} may not change that: ${why}`);
}

/** Whoever has a token makes none with more than it has. */
function requireNoMore(wanted: readonly string[], actor: Actor): void {
  const more = wanted.filter((role) => !actor.roles.some((has) => has === role));
  if (more.length > 0) throw denied(actor, `they act without ${more.join(", ")} and cannot pass that on`);
}

function checkNewUser(user: unknown) {
  const parsed = newUserSchema.safeParse(user);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TminusError("USER_INVALID", `${issue?.path.join(".")}: ${issue?.message}`);
}

async function hashed(password: Secret): Promise<string> {
  const { length } = password.reveal();
  if (length < MIN_PASSWORD || length > MAX_PASSWORD)
    throw new TminusError("USER_INVALID", `a password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`);
  return hashPassword(password.reveal());
}
