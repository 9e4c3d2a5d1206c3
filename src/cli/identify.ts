import { TminusError } from "../errors.ts";
import { Secret } from "../lib/redact.ts";
import type { Actor } from "../model/actor.ts";
import type { Claim } from "../model/people.ts";
import type { Tminus } from "../model/tminus.ts";
import { actorOf, isInteractive, type CommandContext } from "./command-context.ts";

export interface IdentityOptions {
  by?: string;
  login?: string;
}

/**
 * Who is acting: --login with a password that is asked for, else the owner of TMINUS_TOKEN, else a name that nobody checks
 * (see actorOf). Errors: USAGE_INVALID, IDENTITY_REFUSED, LOGIN_LOCKED.
 */
export async function identify(
  context: CommandContext,
  tminus: Tminus,
  options: IdentityOptions,
): Promise<Actor> {
  return tminus.identify(await claimOf(context, options));
}

async function claimOf(context: CommandContext, { by, login }: IdentityOptions): Promise<Claim> {
  const token = context.host.environment.TMINUS_TOKEN;
  if (login !== undefined) {
    if (by !== undefined)
      throw new TminusError("USAGE_INVALID", "--login says who is acting, so --by says nothing", {
        hint: "Leave --by out.",
      });
    return { by: "password", name: login, password: await askPassword(context, `Password of ${login}: `) };
  }
  if (token === undefined || token === "") return { by: "name", name: actorOf(context, by) };
  return { by: "token", token: new Secret(token, "TMINUS_TOKEN"), ...(by === undefined ? {} : { name: by }) };
}

/** Asks on the terminal without showing what is typed. Errors: USAGE_INVALID where there is none, or nothing was typed. */
export async function askPassword(context: CommandContext, question: string): Promise<Secret> {
  if (!isInteractive(context)) {
    throw new TminusError("USAGE_INVALID", "a password is typed at a terminal, and there is none here", {
      hint: "Use a token in TMINUS_TOKEN; tminus token create makes one.",
    });
  }
  const typed = await context.host.askSecret(question, context.cancelled);
  context.cancelled.throwIfAborted();
  if (typed === "") throw new TminusError("USAGE_INVALID", "no password was typed; nothing was changed");
  return new Secret(typed, "the password");
}
