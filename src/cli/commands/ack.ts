import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { itemsToAttest } from "../../model/attestation.ts";
import type { Plan } from "../../model/plan.ts";
import { stepsOf } from "../../model/plan-steps.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import { type CommandContext } from "../command-context.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { handIn } from "../hand-in.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface AckOptions extends IdentityOptions {
  step?: string;
  note: string;
  attach?: string;
}

/** Attests one item of a checklist or a sign-off of the run, with a file when one is named. */
export async function ack(
  context: CommandContext,
  item: string,
  id: string | undefined,
  { step, note, attach, ...who }: AckOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const run = await pickRun(context, tminus, id, ({ waitingFor }) => waitingFor?.for === "attestation");
  const stepId = step ?? stepWithItem(run.plan, item, run.waitingFor?.stepId);
  const attachment = attach === undefined ? {} : { attachment: await handIn(context, tminus, attach) };
  return sendSignal(context, tminus, run, { kind: "attest", stepId, item, note, ...attachment }, actor);
}

/** The step with this item; of several the one that the run waits at. Errors: USAGE_INVALID. */
function stepWithItem(plan: Plan, item: string, waitingAt: string | undefined): string {
  const steps = stepsOf(plan).map((step) => ({
    id: step.id,
    items: itemsToAttest(step).map(({ id }) => id),
  }));
  const having = steps.filter(({ items }) => items.includes(item));
  const chosen = having.find(({ id }) => id === waitingAt) ?? (having.length === 1 ? having[0] : undefined);
  if (chosen !== undefined) return chosen.id;
  if (having.length > 1) {
    throw new TminusError("USAGE_INVALID", `more than one step asks for ${item}`, {
      hint: `Add --step with one of: ${having.map((step) => step.id).join(", ")}.`,
    });
  }
  const items = steps.flatMap((step) => step.items);
  throw new TminusError("USAGE_INVALID", `nothing of this run is attested as "${item}"`, {
    hint:
      suggest(item, items, "Items") ||
      "The plan asks nobody to attest anything; tminus show lists its steps.",
  });
}
