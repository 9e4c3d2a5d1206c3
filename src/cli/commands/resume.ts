import type { Actor } from "../../model/actor.ts";
import type { Tminus } from "../../model/tminus.ts";
import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { usualDecisions, type DecisionWord } from "../../model/decision.ts";
import { type CommandContext } from "../command-context.ts";
import { waitsForPerson } from "../../model/waits-for-person.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface ResumeOptions extends IdentityOptions {
  as?: DecisionWord;
  note: string;
}

/** Lets a held run go on; answers the question about a step that failed or of which nobody knows the effect. */
export async function resume(
  context: CommandContext,
  id: string | undefined,
  { as, note, ...who }: ResumeOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  if (as === "promote") return promote(context, tminus, id, note, actor);
  const run = await pickRun(context, tminus, id, (run) => waitsForPerson(run));
  const stepId = run.waitingFor?.for === "decision" ? run.waitingFor.stepId : undefined;
  if (as === undefined && stepId === undefined) {
    return sendSignal(context, tminus, run, { kind: "resume", note }, actor);
  }
  if (as === undefined) {
    throw new TminusError(
      "USAGE_INVALID",
      `run ${run.id} asks about step ${stepId}: ${run.waitingFor?.text ?? ""}`,
      {
        hint: `Look, then answer: tminus resume ${run.id} --as ${(run.waitingFor?.answers ?? usualDecisions).join(" | ")}.`,
      },
    );
  }
  if (stepId === undefined) {
    const code = run.state === "ended" ? "RUN_ENDED" : "RUN_NOT_WAITING";
    throw new TminusError(code, `run ${run.id} does not ask about a step; it is ${run.outcome ?? run.state}`);
  }
  return sendSignal(context, tminus, run, { kind: "resolve", stepId, as, note }, actor);
}

/** Ends the watch that goes on, and keeps the release. Errors: RUN_NOT_WAITING, APPROVAL_REFUSED, USAGE_INVALID. */
async function promote(
  context: CommandContext,
  tminus: Tminus,
  id: string | undefined,
  note: string,
  actor: Actor,
): Promise<ExitCode> {
  const run = await pickRun(context, tminus, id);
  const watches = await tminus.watched(run.id);
  const underWay = watches.find(({ report }) => report?.next !== undefined);
  if (underWay === undefined)
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} does not watch anything now`, {
      hint: `Look at it: tminus watch ${run.id}`,
    });
  const { stepId } = underWay;
  return sendSignal(context, tminus, run, { kind: "resolve", stepId, as: "promote", note }, actor);
}
