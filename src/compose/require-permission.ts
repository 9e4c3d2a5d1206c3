import { TminusError } from "../errors.ts";
import type { Actor } from "../model/actor.ts";
import { whyMayNot, type Verb } from "../model/permission.ts";
import { hasUsers } from "../store/people.ts";
import type { Pool } from "../store/pool.ts";

/** Lets only those do it whose roles are enough for that. Errors: IDENTITY_REFUSED, PERMISSION_REFUSED. */
export async function requirePermission(
  pool: Pool,
  actor: Actor,
  verb: Verb,
  environment: { name: string; protected: boolean },
): Promise<void> {
  const known = { areUsers: await hasUsers(pool), isProtected: environment.protected };
  const reason = whyMayNot(actor, verb, known);
  if (reason === undefined) return;
  const details = { verb, environment: environment.name, actor: actor.name };
  if (actor.checked.by === "none")
    throw new TminusError("IDENTITY_REFUSED", `${environment.name} is protected, and ${reason}`, {
      hint: "Sign in: set TMINUS_TOKEN, or add --login <name>.",
      details,
    });
  throw new TminusError("PERMISSION_REFUSED", `${environment.name} is protected, and ${reason}`, {
    hint: "Ask an admin for the role: tminus user roles, or for a token that has it.",
    details,
  });
}
