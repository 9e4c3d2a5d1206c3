import { TminusError } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import type { DatabasePlace } from "../model/database.ts";
import type { Tminus } from "../model/tminus.ts";
import { suggest } from "../lib/did-you-mean.ts";
import { clean } from "../report/text.ts";
import type { Host } from "./host.ts";
import type { Output } from "./output/output.ts";

/** Options that every command understands. */
export interface GlobalOptions {
  env?: string | undefined;
  config?: string | undefined;
  json?: "object" | "stream" | undefined;
  plain?: boolean | undefined;
  quiet?: boolean | undefined;
  input: boolean;
  color: boolean;
}

/** What the body of every command is given. */
export interface CommandContext {
  host: Host;
  globals: GlobalOptions;
  output: Output;
  /** Aborts with INTERRUPTED on Ctrl-C. */
  cancelled: AbortSignal;
  /** Opens the runbook and the state on first use; closed by the caller of the command. */
  open(): Promise<Tminus>;
  /**
   * The environment's database, or the one that a reference names, for which no runbook is needed; closed by the
   * caller of the command.
   */
  openDatabase(reference: string | undefined): Promise<DatabasePlace>;
}

export type CommandBody = (context: CommandContext) => Promise<ExitCode>;

/** Whether a person can be asked something now. */
export function isInteractive({ host, globals, output }: CommandContext): boolean {
  return globals.input && host.isInputTty && host.stderr.isTty && output.mode === "text";
}

/** The environment named, or the only one that there is. Errors: USAGE_INVALID, ENVIRONMENT_UNKNOWN. */
export function environmentOf({ globals }: CommandContext, tminus: Tminus): string {
  const { environments } = tminus;
  const [only] = environments;
  if (globals.env === undefined && environments.length === 1 && only !== undefined) return only;
  if (globals.env === undefined) {
    throw new TminusError("USAGE_INVALID", "it is not said which environment is meant", {
      hint: `Add --env with one of: ${environments.join(", ")}.`,
    });
  }
  return knownEnvironment(globals.env, environments);
}

/** The environment named, or undefined for all. Errors: ENVIRONMENT_UNKNOWN. */
export function environmentFilter({ globals }: CommandContext, tminus: Tminus): string | undefined {
  return globals.env === undefined ? undefined : knownEnvironment(globals.env, tminus.environments);
}

/**
 * Who is acting: --by, else TMINUS_ACTOR, else the name at the operating system. Nobody checks it.
 * Errors: USAGE_INVALID.
 */
export function actorOf({ host }: CommandContext, by: string | undefined): string {
  const name = by ?? (host.environment.TMINUS_ACTOR || host.userName());
  if (name !== clean(name) || name === "" || name.length > 100) {
    throw new TminusError(
      "USAGE_INVALID",
      "the name of the person is empty, too long or has control characters",
      {
        hint: "Give a name of 1 to 100 characters with --by.",
      },
    );
  }
  return name;
}

/** "production · shop": what a command is about to look at or to change. */
export function placeOf(tminus: Tminus, environment: string): string {
  return `${environment} · ${tminus.project}`;
}

function knownEnvironment(name: string, environments: readonly string[]): string {
  if (environments.includes(name)) return name;
  throw new TminusError("ENVIRONMENT_UNKNOWN", `there is no environment "${clean(name)}" in the runbook`, {
    hint: suggest(name, environments, "Known"),
    details: { environments: [...environments] },
  });
}
