import { TminusError } from "../errors.ts";
import { uncheckedActor, type Actor } from "../model/actor.ts";
import type { DatabasePlace } from "../model/database.ts";
import type { Verb } from "../model/permission.ts";
import { actorOf, type CommandContext } from "./command-context.ts";
import { identify, type IdentityOptions } from "./identify.ts";

/**
 * Who changes a database, and whether they may: asked of the users of the environment's state. Of a database that is named
 * without a runbook there is no state to ask, so that a name is taken as it is said.
 * Errors: those of identify; PERMISSION_REFUSED; USAGE_INVALID for a login where nobody can be asked.
 */
export async function identifyAt(
  context: CommandContext,
  { environment }: Pick<DatabasePlace, "environment">,
  verb: Verb,
  options: IdentityOptions,
): Promise<Actor> {
  if (environment === undefined) {
    if (options.login !== undefined)
      throw new TminusError(
        "USAGE_INVALID",
        "nobody can sign in for a database that is named without a runbook",
        {
          hint: "Say who is acting with --by, or leave --database out.",
        },
      );
    return uncheckedActor(actorOf(context, options.by));
  }
  // Keeping damage from growing waits for nobody, and for no state database that may be away.
  const isFree = verb === "make read-only" && options.login === undefined;
  if (isFree && (context.host.environment.TMINUS_TOKEN ?? "") === "")
    return uncheckedActor(actorOf(context, options.by));
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  await tminus.permit(actor, verb, environment);
  return actor;
}
