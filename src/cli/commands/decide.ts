import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { shortHash } from "../../report/plan-text.ts";
import { actorOf, type CommandContext } from "../command-context.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface DecideOptions {
  step?: string;
  by?: string;
  note: string;
}

/** Approves or rejects at the step that a run waits at. An approval is bound to the plan that is running. */
export async function decide(
  context: CommandContext,
  verb: "approve" | "reject",
  id: string | undefined,
  { step, by, note }: DecideOptions,
): Promise<ExitCode> {
  const actor = actorOf(context, by);
  const tminus = await context.open();
  const run = await pickRun(context, tminus, id, ({ waitingFor }) => waitingFor?.for === "approval");
  const stepId = step ?? (run.waitingFor?.for === "approval" ? run.waitingFor.stepId : undefined);
  if (stepId === undefined) {
    const code = run.state === "ended" ? "RUN_ENDED" : "RUN_NOT_WAITING";
    throw new TminusError(
      code,
      `run ${run.id} does not wait for an approval; it is ${run.outcome ?? run.state}`,
    );
  }
  if (verb === "reject") return sendSignal(context, tminus, run, { kind: "reject", stepId, note }, actor);
  context.output.note(`approving plan ${shortHash(run.plan.hash)} of release ${run.plan.release}`);
  return sendSignal(context, tminus, run, { kind: "approve", stepId, planHash: run.plan.hash, note }, actor);
}
