import { TminusError } from "../errors.ts";
import { clean } from "../report/text.ts";
import { isInteractive, type CommandContext } from "./command-context.ts";

export interface Confirmation {
  /** The environment's name, typed as an option. */
  confirm?: string | undefined;
  yes?: boolean | undefined;
}

/** Whether a person is going to be asked before the change. */
export function willAsk(
  context: CommandContext,
  environment: { name: string; protected: boolean },
  given: Confirmation,
): boolean {
  return given.confirm === undefined && needsConfirmation(environment, given) && isInteractive(context);
}

/**
 * Lets a change of a protected environment pass only when its name was typed, or one of the flags given on
 * this command line. Flags from files or variables do not exist on purpose. Errors: USAGE_INVALID.
 */
export async function confirmChange(
  context: CommandContext,
  environment: { name: string; protected: boolean },
  what: string,
  { confirm, yes }: Confirmation,
): Promise<void> {
  const { name } = environment;
  if (confirm !== undefined && confirm !== name) {
    throw new TminusError("USAGE_INVALID", `--confirm names ${clean(confirm)}, but this is about ${name}`, {
      hint: `Check --env; to go on, use --confirm=${name}.`,
    });
  }
  if (!needsConfirmation(environment, { confirm, yes })) return;
  if (!isInteractive(context)) {
    throw new TminusError("USAGE_INVALID", `${name} is protected, and nobody can be asked here`, {
      hint: `Add --confirm=${name} (or --yes) to ${what}.`,
    });
  }
  const answer = await context.host.ask(
    `${name} is protected. To ${what}, type its name: `,
    context.cancelled,
  );
  if (answer.trim() === name) return;
  throw new TminusError("USAGE_INVALID", `the name typed is not ${name}; nothing was changed`, {
    hint: "Run the command again and type the environment's name.",
  });
}

function needsConfirmation(
  environment: { name: string; protected: boolean },
  { confirm, yes }: Confirmation,
): boolean {
  return environment.protected && confirm !== environment.name && yes !== true;
}
