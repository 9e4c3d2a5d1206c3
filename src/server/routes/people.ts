import { Secret } from "../../lib/redact.ts";
import type { Actor } from "../../model/actor.ts";
import type { MadeToken } from "../../model/people.ts";
import { asks, body, createRoute, json, problems, z, type Api } from "../api.ts";
import {
  madeTokenSchema,
  newTokenBody,
  newUserBody,
  tokenSchema,
  userChangeBody,
  userSchema,
  type MadeTokenResource,
} from "../contract/session.ts";
import { signedIn } from "../middleware/permit.ts";
import { tokenResource, userResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "People";

/** Users and tokens. What somebody may change of their own is theirs to change; the rest takes an admin. */
export function addPeople(api: Api, { tminus }: ServerPorts): void {
  const { people } = tminus;
  const users = createRoute({
    method: "get",
    path: "/users",
    ...asks("administer", TAG, "Who may sign in, by name"),
    responses: { 200: json("The users", z.object({ users: z.array(userSchema) })), ...problems },
  });
  api.openapi(users, async (c) => {
    const who = signedIn(c.get("who"));
    return c.json({ users: (await people.users()).map((user) => userResource(user, who)) }, 200);
  });

  const added = z.object({ user: userSchema, made: madeTokenSchema.optional() });
  const add = createRoute({
    method: "post",
    path: "/users",
    ...asks("administer", TAG, "Add a user"),
    request: { body: body(newUserBody) },
    responses: { 201: json("The user", added), ...problems },
  });
  api.openapi(add, async (c) => {
    const { password, withToken, ...user } = c.req.valid("json");
    const credentials = {
      ...(password === undefined ? {} : { password: secretOf(password) }),
      ...(withToken ? { token: true as const } : {}),
    };
    const who = signedIn(c.get("who"));
    const made = await people.addUser(user, credentials, who);
    const answer = { user: userResource(made.user, who) };
    if (made.token === undefined) return c.json(answer, 201);
    const token = tokenResource(made.token.token, who);
    c.set("answerToRepeat", { ...answer, made: { token } });
    return c.json({ ...answer, made: madeResource(made.token, who) }, 201);
  });

  const change = createRoute({
    method: "post",
    path: "/users/{name}",
    ...asks("read", TAG, "Change a user's roles or password, or let them sign in no more"),
    request: { params: z.object({ name: z.string() }), body: body(userChangeBody) },
    responses: { 200: json("The user", userSchema), ...problems },
  });
  api.openapi(change, async (c) => {
    const { roles, isDisabled, password } = c.req.valid("json");
    const changes = {
      ...(roles === undefined ? {} : { roles }),
      ...(isDisabled === undefined ? {} : { disabled: isDisabled }),
      ...(password === undefined ? {} : { password: secretOf(password) }),
    };
    const who = signedIn(c.get("who"));
    const changed = await people.changeUser(c.req.valid("param").name, changes, who);
    return c.json(userResource(changed, who), 200);
  });

  const tokens = createRoute({
    method: "get",
    path: "/tokens",
    ...asks("administer", TAG, "Tokens without their secrets, newest first"),
    responses: { 200: json("The tokens", z.object({ tokens: z.array(tokenSchema) })), ...problems },
  });
  api.openapi(tokens, async (c) => {
    const who = signedIn(c.get("who"));
    return c.json({ tokens: (await people.tokens()).map((token) => tokenResource(token, who)) }, 200);
  });

  const create = createRoute({
    method: "post",
    path: "/tokens",
    ...asks("read", TAG, "Make a token with at most one's own roles; its secret is told this once"),
    request: { body: body(newTokenBody) },
    responses: { 201: json("The token", madeTokenSchema), ...problems },
  });
  api.openapi(create, async (c) => {
    const who = signedIn(c.get("who"));
    const wanted = c.req.valid("json");
    const made = await people.createToken({ ...wanted, owner: wanted.owner ?? who.name }, who);
    c.set("answerToRepeat", { token: tokenResource(made.token, who) });
    return c.json(madeResource(made, who), 201);
  });

  const revoke = createRoute({
    method: "delete",
    path: "/tokens/{id}",
    ...asks("read", TAG, "Make a token worthless; may be repeated"),
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: json("The token", tokenSchema), ...problems },
  });
  api.openapi(revoke, async (c) => {
    const who = signedIn(c.get("who"));
    return c.json(tokenResource(await people.revokeToken(c.req.valid("param").id, who), who), 200);
  });
}

function madeResource({ token, secret }: MadeToken, who: Actor): MadeTokenResource {
  return { token: tokenResource(token, who), secret: secret.reveal() };
}

function secretOf(password: string): Secret {
  return new Secret(password, "the password");
}
