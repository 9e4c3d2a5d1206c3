import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identify, openPeople } from "../../src/compose/people.ts";
import { TminusError } from "../../src/errors.ts";
import { Secret } from "../../src/lib/redact.ts";
import { uncheckedActor, type Actor } from "../../src/model/actor.ts";
import type { Claim, People } from "../../src/model/people.ts";
import type { Role } from "../../src/model/role.ts";
import { query } from "../../src/store/pool.ts";
import { freshState, type TestState } from "../support/state.ts";

const PASSWORD = "correct horse battery";
let state: TestState;
let people: People;
beforeEach(async () => {
  state = await freshState();
  people = openPeople(async () => state.pool);
});
afterEach(() => state.drop());

const secret = (text: string): Secret => new Secret(text, "test");
const noReference = (): never => {
  throw new TminusError("SECRET_MISSING", "no");
};
const who = (claim: Claim, find: (reference: string) => Secret = noReference): Promise<Actor> =>
  identify(claim, async () => state.pool, find);
const login = (name: string, password = PASSWORD): Promise<Actor> =>
  who({ by: "password", name, password: secret(password) });
const withToken = (token: Secret): Promise<Actor> => who({ by: "token", token });
const code = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "done",
    (error: unknown) => (error instanceof TminusError ? error.code : String(error)),
  );

/** The first user, who is an admin, signed in. */
async function admin(): Promise<Actor> {
  const user = { name: "Ann", emails: ["Ann@Example.com"], roles: ["approver" as const] };
  await people.addUser(user, { password: secret(PASSWORD) }, uncheckedActor("root"));
  return login("ann");
}

async function user(by: Actor, name: string, ...roles: Role[]): Promise<Actor> {
  const added = { name, emails: [`${name}@example.com`], roles };
  await people.addUser(added, { password: secret(PASSWORD) }, by);
  return login(name);
}

describe("users", () => {
  it("begin with one who is an admin, whoever makes it; all others are made by an admin", async () => {
    const ann = await admin();
    expect(ann).toEqual({
      name: "ann",
      checked: { by: "password" },
      kind: "human",
      emails: ["ann@example.com"],
      roles: ["approver", "admin"],
    });
    const bob = await user(ann, "bob", "approver");
    const eve = { name: "eve", emails: [], roles: [] };
    expect(await code(people.addUser(eve, {}, uncheckedActor("ann")))).toBe("PERMISSION_REFUSED");
    expect(await code(people.addUser(eve, {}, bob))).toBe("PERMISSION_REFUSED");
    expect(await code(people.addUser(eve, {}, ann))).toBe("done");
    expect((await people.users()).map(({ name }) => name)).toEqual(["ann", "bob", "eve"]);
  });

  it("have one first among those who want to be it at the same time", async () => {
    const tries = ["ann", "bob", "eve"].map((name) =>
      code(people.addUser({ name, emails: [], roles: [] }, { token: true }, uncheckedActor(name))),
    );
    expect((await Promise.all(tries)).sort()).toEqual(["PERMISSION_REFUSED", "PERMISSION_REFUSED", "done"]);
    expect((await people.tokens()).length).toBe(1);
  });

  it("do not share a name or an e-mail, in whatever spelling, also with those who were disabled", async () => {
    const ann = await admin();
    await user(ann, "bob");
    await people.changeUser("bob", { disabled: true }, ann);
    const taken = [
      { name: "ANN ", emails: [], roles: [] },
      { name: "ann2", emails: ["ANN@example.com"], roles: [] },
      { name: "bob2", emails: ["bob@example.com"], roles: [] },
      { name: "x\u0000y", emails: [], roles: [] },
      { name: "mail", emails: ["no mail"], roles: [] },
    ];
    for (const one of taken) expect(await code(people.addUser(one, {}, ann))).toBe("USER_INVALID");
  });

  it("keep an admin who can sign in", async () => {
    const ann = await admin();
    expect(await code(people.changeUser("ann", { roles: ["approver"] }, ann))).toBe("USER_INVALID");
    expect(await code(people.changeUser("ann", { disabled: true }, ann))).toBe("USER_INVALID");
    await user(ann, "bob", "admin");
    expect(await code(people.changeUser("ann", { roles: ["approver"] }, ann))).toBe("done");
    expect(await code(people.changeUser("bob", { roles: [] }, ann))).toBe("PERMISSION_REFUSED"); // no admin any more
    expect(await code(people.changeUser("nobody", { roles: [] }, await login("bob")))).toBe("USER_INVALID");
  });

  it("change their own password and nothing else, and only when they have signed in with it", async () => {
    const ann = await admin();
    const bob = await user(ann, "bob", "approver");
    const other = "another long password";
    expect(await code(people.changeUser("ann", { password: secret(other) }, bob))).toBe("PERMISSION_REFUSED");
    expect(await code(people.changeUser("bob", { roles: ["admin"] }, bob))).toBe("PERMISSION_REFUSED");
    const token = await people.createToken(
      { name: "t", owner: "bob", kind: "human", roles: [], validMs: 60_000 },
      bob,
    );
    const byToken = await withToken(token.secret);
    expect(await code(people.changeUser("bob", { password: secret(other) }, byToken))).toBe(
      "PERMISSION_REFUSED",
    );
    expect(await code(people.changeUser("bob", { password: secret("short") }, bob))).toBe("USER_INVALID");
    expect(await code(people.changeUser("bob", { password: secret(other) }, bob))).toBe("done");
    expect(await code(login("bob"))).toBe("IDENTITY_REFUSED");
    expect(await code(login("bob", other))).toBe("done");
  });
});

describe("passwords", () => {
  it("are kept only as argon2id hashes, and nowhere in events", async () => {
    await admin();
    const [row] = await query<{ password_hash: string }>(
      state.pool,
      "select password_hash from tminus.user_account",
    );
    expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const events = await query<{ text: string }>(
      state.pool,
      "select e::text as text from tminus.identity_event e",
    );
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
    expect(JSON.stringify(events)).not.toContain("argon2");
  });

  it("are refused alike for a wrong one, an unknown name, a user without one and a disabled one", async () => {
    const ann = await admin();
    await user(ann, "bob");
    await people.changeUser("bob", { disabled: true }, ann);
    await people.addUser({ name: "eve", emails: [], roles: [] }, {}, ann);
    const tries: [string, string][] = [
      ["ann", "a wrong password"],
      ["nobody", PASSWORD],
      ["eve", PASSWORD],
      ["bob", PASSWORD],
      ["ann", "x".repeat(100_000)],
    ];
    const said = await Promise.all(
      tries.map(([name, password]) =>
        login(name, password).catch((error: unknown) => (error as Error).message),
      ),
    );
    expect(new Set(said)).toEqual(new Set(["the name or the password is wrong"]));
  });

  it.each(["ann", "nobody"])("lock the name %s after five failures, also at the same time", async (name) => {
    await admin();
    const failures = await Promise.all(
      Array.from({ length: 8 }, () => code(login(name, "a wrong password"))),
    );
    expect(failures.filter((one) => one === "IDENTITY_REFUSED")).toHaveLength(5);
    expect(failures.filter((one) => one === "LOGIN_LOCKED")).toHaveLength(3);
    expect(await code(login(name.toUpperCase()))).toBe("LOGIN_LOCKED");
    const back = "update tminus.login_attempt set locked_until = locked_until - interval '15 minutes'";
    await query(state.pool, back);
    expect(await code(login(name))).toBe(name === "ann" ? "done" : "IDENTITY_REFUSED");
  });

  it("count only failures of the last 15 minutes, and forget them when one succeeds", async () => {
    await admin();
    const fail = () => code(login("ann", "a wrong password"));
    for (let tries = 0; tries < 4; tries++) expect(await fail()).toBe("IDENTITY_REFUSED");
    await query(
      state.pool,
      "update tminus.login_attempt set attempted_at = array(select t - interval '16 minutes' from unnest(attempted_at) t)",
    );
    for (let tries = 0; tries < 4; tries++) expect(await fail()).toBe("IDENTITY_REFUSED");
    expect(await code(login("ann"))).toBe("done");
    for (let tries = 0; tries < 5; tries++) expect(await fail()).toBe("IDENTITY_REFUSED");
    expect(await code(login("ann"))).toBe("LOGIN_LOCKED");
  });

  it("can be set anew by an admin, which unlocks the name", async () => {
    const ann = await admin();
    await user(ann, "bob");
    for (let tries = 0; tries < 6; tries++) await code(login("bob", "a wrong password"));
    await people.changeUser("bob", { password: secret("another long password") }, ann);
    expect(await code(login("bob", "another long password"))).toBe("done");
  });
});

describe("tokens", () => {
  const wanted = (owner: string, roles: Role[] = [], kind: "human" | "agent" = "human") => ({
    name: "laptop",
    owner,
    kind,
    roles,
    validMs: 60_000,
  });

  it("are kept as their SHA-256 alone, stand for their owner and note when they were used", async () => {
    const ann = await admin();
    const { token, secret: text } = await people.createToken(wanted("ann", ["approver"]), ann);
    const rows = await query<{ text: string }>(state.pool, "select t::text as text from tminus.api_token t");
    expect(JSON.stringify(rows)).not.toContain(text.reveal());
    expect(token.lastUsedAt).toBeUndefined();
    expect(await withToken(text)).toMatchObject({
      name: "ann",
      checked: { by: "token", token: token.id },
      kind: "human",
      roles: ["approver"],
    });
    expect((await people.tokens())[0]?.lastUsedAt).toBeInstanceOf(Date);
    expect(await who({ by: "token", token: secret("env:MINE") }, () => text)).toMatchObject({ name: "ann" });
  });

  it("have no more roles than their owner, when they are made and when the owner loses one", async () => {
    const ann = await admin();
    const bob = await user(ann, "bob", "approver", "operator");
    expect(await code(people.createToken(wanted("bob", ["admin"]), bob))).toBe("PERMISSION_REFUSED");
    expect(await code(people.createToken(wanted("bob", ["admin"]), ann))).toBe("USER_INVALID");
    const { secret: text } = await people.createToken(wanted("bob", ["approver", "operator"]), bob);
    await people.changeUser("bob", { roles: ["operator"] }, ann);
    expect((await withToken(text)).roles).toEqual(["operator"]);
    const narrow = await people.createToken(wanted("bob"), ann);
    const byNarrow = await withToken(narrow.secret);
    expect(await code(people.createToken(wanted("bob", ["operator"]), byNarrow))).toBe("PERMISSION_REFUSED");
  });

  it("are made for others by admins alone, and never by an agent", async () => {
    const ann = await admin();
    const bob = await user(ann, "bob");
    expect(await code(people.createToken(wanted("ann"), bob))).toBe("PERMISSION_REFUSED");
    const { secret: text } = await people.createToken(wanted("ann", ["admin"], "agent"), ann);
    const agent = await withToken(text);
    expect(agent.kind).toBe("agent");
    expect(await code(people.createToken(wanted("ann"), agent))).toBe("PERMISSION_REFUSED");
    expect(await code(people.addUser({ name: "eve", emails: [], roles: [] }, {}, agent))).toBe(
      "PERMISSION_REFUSED",
    );
  });

  it("are refused alike when they are wrong, revoked, expired, another's or of a disabled owner", async () => {
    const ann = await admin();
    const bob = await user(ann, "bob");
    const revoked = await people.createToken(wanted("ann"), ann);
    expect(await code(people.revokeToken(revoked.token.id, bob))).toBe("PERMISSION_REFUSED");
    await people.revokeToken(revoked.token.id, ann);
    await people.revokeToken(revoked.token.id, ann);
    const expired = await people.createToken({ ...wanted("ann"), validMs: 0 }, ann);
    const good = await people.createToken(wanted("bob"), bob);
    const wrong = secret(good.secret.reveal().slice(0, -1) + "!");
    const otherId = secret(good.secret.reveal().replace(good.token.id, expired.token.id));
    const tries = [revoked.secret, expired.secret, wrong, otherId, secret(""), secret("tminus_x_y")];
    for (const token of tries) expect(await code(withToken(token))).toBe("IDENTITY_REFUSED");
    expect(await code(who({ by: "token", token: good.secret, name: "ann" }))).toBe("IDENTITY_REFUSED");
    expect(await code(who({ by: "token", token: good.secret, name: "Bob" }))).toBe("done");
    await people.changeUser("bob", { disabled: true }, ann);
    expect(await code(withToken(good.secret))).toBe("IDENTITY_REFUSED");
    const events = await query<{ type: string }>(state.pool, "select type from tminus.identity_event");
    expect(events.filter(({ type }) => type === "token.revoked")).toHaveLength(1);
  });
});
