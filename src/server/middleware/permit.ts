import type { MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import type { Actor } from "../../model/actor.ts";
import { whyNotPermitted, type Permission } from "../../model/permission.ts";
import type { ApiEnvironment } from "../api.ts";

/** Lets only those through whose roles are enough. Errors: IDENTITY_REFUSED, PERMISSION_REFUSED. */
export function permit(permission: Permission): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    requirePermitted(c.get("who"), permission);
    await next();
  };
}

/** Errors: IDENTITY_REFUSED, PERMISSION_REFUSED. */
export function requirePermitted(who: Actor | undefined, permission: Permission): void {
  const refusal = whyNotPermitted(signedIn(who), permission);
  if (refusal === undefined) return;
  throw new TminusError("PERMISSION_REFUSED", refusal, {
    hint: "Ask an admin for the role: tminus user roles.",
  });
}

/** Errors: IDENTITY_REFUSED. */
export function signedIn(who: Actor | undefined): Actor {
  if (who !== undefined) return who;
  throw new TminusError("IDENTITY_REFUSED", "nobody has signed in", {
    hint: "Sign in, or send a token: Authorization: Bearer tminus_…",
  });
}
