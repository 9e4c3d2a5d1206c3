import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { stepsOf, type Plan, type PlannedStep } from "../../model/plan.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import { actorOf, type CommandContext } from "../command-context.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface AckOptions {
  step?: string;
  by?: string;
  note: string;
}

/** Attests one item of a checklist of the run. */
export async function ack(
  context: CommandContext,
  item: string,
  id: string | undefined,
  { step, by, note }: AckOptions,
): Promise<ExitCode> {
  const actor = actorOf(context, by);
  const tminus = await context.open();
  const run = await pickRun(context, tminus, id, ({ waitingFor }) => waitingFor?.for === "attestation");
  const stepId = step ?? stepWithItem(run.plan, item, run.waitingFor?.stepId);
  return sendSignal(context, tminus, run, { kind: "attest", stepId, item, note }, actor);
}

/** The checklist step with this item; of several the one that the run waits at. Errors: USAGE_INVALID. */
function stepWithItem(plan: Plan, item: string, waitingAt: string | undefined): string {
  const checklists = stepsOf(plan).filter(({ kind }) => kind === "checklist");
  const having = checklists.filter((step) => itemsOf(step).includes(item));
  const chosen = having.find(({ id }) => id === waitingAt) ?? (having.length === 1 ? having[0] : undefined);
  if (chosen !== undefined) return chosen.id;
  if (having.length > 1) {
    throw new TminusError("USAGE_INVALID", `more than one checklist has an item ${item}`, {
      hint: `Add --step with one of: ${having.map((step) => step.id).join(", ")}.`,
    });
  }
  throw new TminusError("USAGE_INVALID", `no checklist of this run has an item "${item}"`, {
    hint:
      suggest(item, checklists.flatMap(itemsOf), "Items") ||
      "The plan has no checklist; tminus show lists its steps.",
  });
}

function itemsOf(step: PlannedStep): string[] {
  const { items } = step.with;
  if (!Array.isArray(items)) return [];
  return items.flatMap((item) => {
    const isItem =
      typeof item === "object" && item !== null && !Array.isArray(item) && typeof item.id === "string";
    return isItem ? [item.id as string] : [];
  });
}
