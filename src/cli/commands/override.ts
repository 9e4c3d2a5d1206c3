import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { uncheckedActor } from "../../model/actor.ts";
import { actorText } from "../../model/actor-text.ts";
import type { Override } from "../../model/override.ts";
import { clean } from "../../report/text.ts";
import { environmentFilter, environmentOf, placeOf, type CommandContext } from "../command-context.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { confirmChange, type Confirmation } from "../confirm.ts";
import { durationOf } from "../declare.ts";
import { toJson } from "../output/json.ts";
import { reasonOf } from "../reason.ts";

export interface OverrideOptions extends Confirmation, IdentityOptions {
  for?: string;
  reason?: string;
  end?: boolean;
}

/** Lets a gate pass for a time, ends that, or lists what is let pass. */
export async function override(
  context: CommandContext,
  gate: string | undefined,
  options: OverrideOptions,
): Promise<ExitCode> {
  if (gate === undefined) return list(context, options);
  const { output } = context;
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  const environment = environmentOf(context, tminus);
  output.note(placeOf(tminus, environment));
  if (options.end === true) {
    const ended = await tminus.endOverrides(environment, gate, actor);
    const said = ended === 0 ? `${clean(gate)} is not overridden` : `${clean(gate)} has to pass again`;
    output.result({ environment, gate, ended: ended > 0, actor: actor.name, exitCode: 0 }, [said]);
    return 0;
  }
  if (options.for === undefined || options.reason === undefined) {
    throw new TminusError("USAGE_INVALID", "to let a gate pass, say for how long and why", {
      hint: `tminus override ${clean(gate)} --for 2h --reason "<why>"`,
    });
  }
  const reason = reasonOf(
    options.reason,
    'why it may pass: --reason "the registry is down, audited by hand"',
  );
  const forMs = durationOf(options.for);
  const view = tminus.environment(environment);
  await confirmChange(context, view, `let gate ${clean(gate)} pass in ${environment}`, options);
  const made = await tminus.override({ environment, gate, reason, forMs }, actor);
  output.result({ override: toJson(made), exitCode: 0 }, [
    `${sayOverride(made)}; it holds for plans that are made from now on`,
    ...(view.protected ? [`${actor.name} cannot start a run that it lets through`] : []),
  ]);
  return 0;
}

async function list(
  context: CommandContext,
  { for: length, reason, end }: OverrideOptions,
): Promise<ExitCode> {
  if (length !== undefined || reason !== undefined || end === true) {
    throw new TminusError("USAGE_INVALID", "it is not said which gate is meant", {
      hint: 'Name it: tminus override unit-tests --for 2h --reason "<why>". Without options all are listed.',
    });
  }
  const tminus = await context.open();
  const overrides = await tminus.overrides(environmentFilter(context, tminus));
  const lines = overrides.length === 0 ? ["no gate is overridden"] : overrides.map(sayOverride);
  context.output.result({ overrides: overrides.map((one) => toJson(one)), exitCode: 0 }, lines);
  return 0;
}

function sayOverride({ environment, gate, by, identity, reason, until }: Override): string {
  return clean(
    `gate ${gate} need not pass in ${environment} until ${until.toISOString()}: ${reason} (${actorText(identity ?? uncheckedActor(by))})`,
  );
}
