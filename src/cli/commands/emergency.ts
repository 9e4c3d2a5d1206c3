import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { actorText } from "../../model/actor-text.ts";
import { emergencyName, type Emergency } from "../../model/emergency.ts";
import { clean } from "../../report/text.ts";
import { environmentFilter, environmentOf, placeOf, type CommandContext } from "../command-context.ts";
import { confirmChange, type Confirmation } from "../confirm.ts";
import { durationOf } from "../declare.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { toJson } from "../output/json.ts";
import { reasonOf } from "../reason.ts";

export interface EmergencyOptions extends Confirmation, IdentityOptions {
  for?: string;
  reason?: string;
  end?: boolean;
}

/** Declares an emergency, ends those that hold, or lists them. */
export async function emergency(context: CommandContext, options: EmergencyOptions): Promise<ExitCode> {
  if (options.end === true) return end(context, options);
  if (options.for === undefined && options.reason === undefined) return list(context);
  if (options.for === undefined || options.reason === undefined) {
    throw new TminusError("USAGE_INVALID", "to declare an emergency, say for how long and why", {
      hint: 'tminus emergency --for 2h --reason "<why>"',
    });
  }
  const { output } = context;
  const reason = reasonOf(options.reason, 'why it cannot wait: --reason "checkout is down"');
  const forMs = durationOf(options.for);
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  const environment = environmentOf(context, tminus);
  output.note(placeOf(tminus, environment));
  const view = tminus.environment(environment);
  await confirmChange(
    context,
    view,
    `let ${environment} be deployed to at any time, with less asked`,
    options,
  );
  const made = await tminus.declareEmergency({ environment, reason, forMs }, actor);
  output.result({ emergency: toJson(made), name: emergencyName(made), exitCode: 0 }, [
    sayEmergency({ ...made, by: actorText(actor) }),
    `${view.protected ? "somebody else deploys" : "deploy"} with: tminus deploy --env ${environment} --release <name> --emergency`,
    `end it before: tminus emergency --env ${environment} --end`,
  ]);
  return 0;
}

async function end(context: CommandContext, options: EmergencyOptions): Promise<ExitCode> {
  if (options.for !== undefined || options.reason !== undefined)
    throw new TminusError("USAGE_INVALID", "--end says nothing about how long or why", {
      hint: "Leave --for and --reason out.",
    });
  const { output } = context;
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  const environment = environmentOf(context, tminus);
  const ended = await tminus.endEmergencies(environment, actor);
  const said =
    ended === 0 ? `no emergency is declared for ${environment}` : `the emergency of ${environment} is over`;
  output.result({ environment, ended, actor: actor.name, exitCode: 0 }, [said]);
  return 0;
}

async function list(context: CommandContext): Promise<ExitCode> {
  const tminus = await context.open();
  const all = await tminus.emergencies(environmentFilter(context, tminus));
  const lines = all.length === 0 ? ["no emergency is declared"] : all.map(sayEmergency);
  context.output.result({ emergencies: all.map((one) => toJson(one)), exitCode: 0 }, lines);
  return 0;
}

function sayEmergency(one: Emergency): string {
  const { environment, by, reason, until } = one;
  return clean(
    `emergency ${emergencyName(one)}: ${environment} may be deployed to at any time until ${until.toISOString()}, with less asked: ${reason} (${by})`,
  );
}
