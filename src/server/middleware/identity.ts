import { getCookie } from "hono/cookie";
import type { MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import { Secret } from "../../lib/redact.ts";
import type { Actor } from "../../model/actor.ts";
import type { ApiEnvironment } from "../api.ts";
import type { ServerPorts } from "../server-ports.ts";

/** The prefix keeps other hosts, paths and unencrypted connections (but those to this machine) from setting it. */
export const SESSION_COOKIE = "__Host-tminus";

/**
 * Finds out who asks: by `Authorization: Bearer <token>`, or by the session's cookie. A token that is not good is refused,
 * and not taken for nobody. Errors: IDENTITY_REFUSED.
 */
export function identity({ tminus }: Pick<ServerPorts, "tminus">): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const authorization = c.req.header("authorization");
    const cookie = getCookie(c, SESSION_COOKIE);
    const whoNow = async (): Promise<Actor | undefined> => {
      if (authorization !== undefined)
        return tminus.identify({ by: "token", token: new Secret(tokenIn(authorization), "Authorization") });
      return cookie === undefined ? undefined : tminus.webSessions.find(cookie);
    };
    c.set("whoNow", whoNow);
    c.set("who", await whoNow());
    await next();
  };
}

function tokenIn(authorization: string): string {
  const token = /^Bearer (tminus_[0-9a-z_]{1,100})$/.exec(authorization)?.[1];
  if (token === undefined) throw new TminusError("IDENTITY_REFUSED", "the token is not good");
  return token;
}
