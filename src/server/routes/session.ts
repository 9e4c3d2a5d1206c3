import { deleteCookie, getCookie } from "hono/cookie";
import { TminusError } from "../../errors.ts";
import { Secret } from "../../lib/redact.ts";
import { uncheckedActor, type Actor } from "../../model/actor.ts";
import { createRoute, body, json, problems, type Api } from "../api.ts";
import { loginSchema, sessionSchema, setUpSchema, type Session } from "../contract/session.ts";
import { projectActions } from "../allowed-actions.ts";
import { beginSession, SESSION_COOKIE_OPTIONS } from "../begin-session.ts";
import { SESSION_COOKIE } from "../middleware/identity.ts";
import { limitBody } from "../middleware/limit-body.ts";
import { limitRates } from "../middleware/limit-rates.ts";
import { whoResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const tags = ["Session"];
/** Whoever sends it is not known yet. */
const MAX_LOGIN_BYTES = 16 * 1024;

/** Signing in and out, and the first user: the only routes that ask for no permission. */
export function addSession(api: Api, ports: ServerPorts): void {
  const { tminus, limits, addressOf, setUp } = ports;
  const attempts = limitRates({
    points: limits.loginsPerQuarterHour,
    seconds: 900,
    addressOf,
    forgets: true,
  });

  const small = limitBody(MAX_LOGIN_BYTES);

  const read = createRoute({
    method: "get",
    path: "/session",
    tags,
    summary: "Who has signed in, and what this server is for",
    responses: { 200: json("The session", sessionSchema), ...problems },
  });
  api.openapi(read, async (c) => c.json(await sessionOf(ports, c.get("who")), 200));

  const login = createRoute({
    method: "post",
    path: "/session",
    tags,
    summary: "Sign in with a password; sets the session's cookie",
    middleware: [small, attempts],
    request: { body: body(loginSchema) },
    responses: { 200: json("The session", sessionSchema), ...problems },
  });
  api.openapi(login, async (c) => {
    const { name, password } = c.req.valid("json");
    const actor = await tminus.identify({
      by: "password",
      name,
      password: new Secret(password, "the password"),
    });
    await beginSession(c, tminus, actor);
    return c.json(await sessionOf(ports, actor), 200);
  });

  const logout = createRoute({
    method: "delete",
    path: "/session",
    tags,
    summary: "Sign out; may be repeated",
    responses: { 200: json("Nobody has signed in", sessionSchema), ...problems },
  });
  api.openapi(logout, async (c) => {
    const secret = getCookie(c, SESSION_COOKIE);
    if (secret !== undefined) await tminus.webSessions.end(secret);
    deleteCookie(c, SESSION_COOKIE, SESSION_COOKIE_OPTIONS);
    return c.json(await sessionOf(ports, undefined), 200);
  });

  const first = createRoute({
    method: "post",
    path: "/setup",
    tags,
    summary: "Make the first user, an admin, with the code that the server printed; once",
    middleware: [small, attempts],
    request: { body: body(setUpSchema) },
    responses: { 200: json("The session of the new user", sessionSchema), ...problems },
  });
  api.openapi(first, async (c) => {
    const { code, name, email, password } = c.req.valid("json");
    if (await tminus.people.hasUsers())
      throw new TminusError("PERMISSION_REFUSED", "there are users already: the set-up link is used up", {
        hint: "Sign in, or ask an admin for a user: tminus user add.",
      });
    if (!setUp.matches(code))
      throw new TminusError("IDENTITY_REFUSED", "the set-up link is not that of this server", {
        hint: "Open the link that tminus server printed when it started.",
      });
    const secret = new Secret(password, "the password");
    const user = { name, emails: [email], roles: ["admin", "operator", "approver"] as const };
    await tminus.people.addUser(
      { ...user, roles: [...user.roles] },
      { password: secret },
      uncheckedActor(name),
    );
    const actor = await tminus.identify({ by: "password", name, password: secret });
    await beginSession(c, tminus, actor);
    return c.json(await sessionOf(ports, actor), 200);
  });
}

async function sessionOf(
  { tminus, version, oidc, kill }: ServerPorts,
  who: Actor | undefined,
): Promise<Session> {
  const { project, environments } = tminus;
  return {
    who: who === undefined ? null : whoResource(who),
    isSetUp: who !== undefined || (await tminus.people.hasUsers()),
    project,
    environments: environments.map((name) => ({ name, isProtected: tminus.environment(name).protected })),
    oidc: oidc?.issuer ?? null,
    canBeKilled: kill !== undefined,
    version,
    allowedActions: projectActions(who),
  };
}
