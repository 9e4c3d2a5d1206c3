import type { DatabasePlace } from "../model/database.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Refuses a change of the data of a protected environment in a freeze. What looks, copies, stops or contains is never
 * refused. Errors: WINDOW_CLOSED.
 */
export async function refuseWhenFrozen(
  context: CommandContext,
  { environment, protected: isProtected }: DatabasePlace,
): Promise<void> {
  if (!isProtected || environment === undefined) return;
  await (await context.open()).checkFreeze(environment);
}
