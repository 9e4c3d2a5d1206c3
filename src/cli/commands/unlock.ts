import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { actorText } from "../../model/actor-text.ts";
import { lockText } from "../../model/lock.ts";
import { clean } from "../../report/text.ts";
import { environmentOf, placeOf, type CommandContext } from "../command-context.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { confirmChange, type Confirmation } from "../confirm.ts";
import { toJson } from "../output/json.ts";
import { reasonOf } from "../reason.ts";

export interface UnlockOptions extends Confirmation, IdentityOptions {
  reason: string;
}

/** Lets deploys into an environment again, after a run was rolled back there by itself. Unlocking what is not locked changes nothing. */
export async function unlock(
  context: CommandContext,
  name: string,
  { reason, by, login, ...confirmation }: UnlockOptions,
): Promise<ExitCode> {
  const { output, globals } = context;
  const why = reasonOf(reason, 'why it is safe to deploy again: --reason "the flag is off"');
  const tminus = await context.open();
  const actor = await identify(context, tminus, { ...(by && { by }), ...(login && { login }) });
  const environment = environmentOf({ ...context, globals: { ...globals, env: name } }, tminus);
  if (globals.env !== undefined && globals.env !== environment) {
    throw new TminusError(
      "USAGE_INVALID",
      `this is about ${environment}, but --env says ${clean(globals.env)}`,
      {
        hint: "Leave --env out.",
      },
    );
  }
  output.note(placeOf(tminus, environment));
  const lock = await tminus.lock(environment);
  if (lock === undefined) {
    output.result({ environment, unlocked: false, exitCode: 0 }, [`${environment} is not locked`]);
    return 0;
  }
  output.note(clean(lockText(lock)));
  const { plan } = await tminus.findRun(lock.runId);
  await confirmChange(context, plan.environment, `unlock ${environment}`, confirmation);
  const isOurs = await tminus.unlock(lock, why, actor);
  const said = isOurs
    ? `${environment} is unlocked by ${actorText(actor)}; deploy with: tminus deploy --env ${environment} --release <name>`
    : `${environment} was unlocked by somebody else in this moment: tminus show ${lock.runId}`;
  output.result(
    { environment, unlocked: isOurs, lock: toJson(lock), actor: actor.name, reason: why, exitCode: 0 },
    [said],
  );
  return 0;
}
