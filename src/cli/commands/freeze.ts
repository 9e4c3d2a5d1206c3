import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { actorText } from "../../model/actor-text.ts";
import { freezeName, type DeclaredFreeze } from "../../model/freeze.ts";
import type { Tminus } from "../../model/tminus.ts";
import { clean } from "../../report/text.ts";
import { environmentFilter, type CommandContext } from "../command-context.ts";
import { confirmChange, type Confirmation } from "../confirm.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { toJson } from "../output/json.ts";
import { reasonOf } from "../reason.ts";

const WHY = 'why: --reason "incident 42"';

export interface FreezeOptions extends IdentityOptions {
  until: string;
  from?: string;
  reason: string;
}

export interface ThawOptions extends Confirmation, IdentityOptions {
  reason: string;
}

const MAX_REASON = 500;

/** Declares a freeze. Runs under way finish the step that they are at and hold before the next that changes something. */
export async function freeze(
  context: CommandContext,
  { until, from, reason, ...who }: FreezeOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const environment = environmentFilter(context, tminus);
  const declared = await tminus.freeze(
    {
      reason: reasonOf(reason, WHY, MAX_REASON),
      until,
      ...(from === undefined ? {} : { from }),
      ...(environment === undefined ? {} : { environment }),
    },
    actor,
  );
  const where = environment ?? "every environment";
  context.output.result({ freeze: toJson(declared), name: freezeName(declared), exitCode: 0 }, [
    `${where} is frozen until ${declared.until.toISOString()} by ${actorText(actor)}; rolling back is always allowed`,
    `lift it before: tminus thaw ${freezeName(declared)} --reason "<why>"`,
  ]);
  return 0;
}

/** Lifts a declared freeze. One that was lifted meanwhile stays lifted. */
export async function thaw(
  context: CommandContext,
  name: string | undefined,
  { reason, by, login, ...confirmation }: ThawOptions,
): Promise<ExitCode> {
  const why = reasonOf(reason, WHY, MAX_REASON);
  const tminus = await context.open();
  const actor = await identify(context, tminus, { ...(by && { by }), ...(login && { login }) });
  const found = await pickFreeze(context, tminus, name);
  const where = found.environment ?? "every environment";
  context.output.note(
    `freeze ${freezeName(found)} of ${where}, declared by ${clean(found.by)}: ${clean(found.reason)}`,
  );
  // The name of what it is about is what has to be typed: the environment, or the project when it is all of them.
  const about = { name: found.environment ?? tminus.project, protected: true };
  await confirmChange(context, about, `lift freeze ${freezeName(found)}`, confirmation);
  const isOurs = await tminus.thaw(found, why, actor);
  const said = isOurs
    ? `freeze ${freezeName(found)} of ${where} is lifted by ${actorText(actor)}`
    : `freeze ${freezeName(found)} was lifted by somebody else in this moment`;
  context.output.result(
    { freeze: toJson(found), thawed: isOurs, actor: actor.name, reason: why, exitCode: 0 },
    [said],
  );
  return 0;
}

async function pickFreeze(
  context: CommandContext,
  tminus: Tminus,
  name: string | undefined,
): Promise<DeclaredFreeze> {
  const all = await tminus.freezes(environmentFilter(context, tminus));
  const names = all.map(freezeName);
  const found =
    name === undefined
      ? all.length === 1
        ? all[0]
        : undefined
      : all.find((one) => freezeName(one) === name);
  if (found !== undefined) return found;
  const known =
    names.length === 0
      ? "Nothing that was declared is on; freezes of the runbook are lifted there."
      : `On now: ${names.join(", ")}.`;
  const message =
    name === undefined ? "it is not said which freeze is meant" : `no freeze ${clean(name)} is on`;
  throw new TminusError("USAGE_INVALID", message, { hint: known });
}
