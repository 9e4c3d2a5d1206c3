import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Actor } from "../model/actor.ts";
import type { Tminus } from "../model/tminus.ts";
import { SESSION_COOKIE } from "./middleware/identity.ts";

export const SESSION_COOKIE_OPTIONS = {
  path: "/",
  secure: true,
  httpOnly: true,
  sameSite: "Strict",
} as const;

/** Signs the browser in as somebody whose identity was just checked. A session that it had before ends. */
export async function beginSession(
  c: Context,
  { webSessions }: Pick<Tminus, "webSessions">,
  actor: Actor,
): Promise<void> {
  const former = getCookie(c, SESSION_COOKIE);
  if (former !== undefined) await webSessions.end(former);
  const { secret, expiresAt } = await webSessions.begin(actor);
  setCookie(c, SESSION_COOKIE, secret.reveal(), { ...SESSION_COOKIE_OPTIONS, expires: expiresAt });
}
