import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import type { Run } from "../../model/run.ts";
import type { ApprovalView } from "../../model/signal.ts";
import type { Tminus } from "../../model/tminus.ts";
import { approvalView } from "../../report/approval-view.ts";
import { planText } from "../../report/plan-text.ts";
import { shortHash } from "../../report/release-change.ts";
import { clean } from "../../report/text.ts";
import { type CommandContext } from "../command-context.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { pickRun } from "../pick-run.ts";
import { sendSignal } from "../send-signal.ts";

export interface DecideOptions extends IdentityOptions {
  step?: string;
  plan?: string;
  note: string;
}

/**
 * Approves or rejects at the step that a run waits at. An approval is bound to the plan that is running, which is shown
 * with what differs from the one approved before; with --plan only to that one.
 */
export async function decide(
  context: CommandContext,
  verb: "approve" | "reject",
  id: string | undefined,
  { step, note, plan: wanted, ...who }: DecideOptions,
): Promise<ExitCode> {
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
  if (verb === "reject") {
    const actor = await identify(context, tminus, who);
    return sendSignal(context, tminus, run, { kind: "reject", stepId, note }, actor);
  }
  const { hash: planHash } = run.plan;
  if (wanted !== undefined && !planHash.startsWith(wanted)) {
    throw new TminusError(
      "APPROVAL_REFUSED",
      `run ${run.id} has plan ${shortHash(planHash)}, not ${clean(wanted)}; nothing was approved`,
      { hint: `Look at what it has now: tminus show ${run.id}` },
    );
  }
  const saw = await showPlan(context, tminus, run);
  const actor = await identify(context, tminus, who);
  context.output.note(`approving plan ${shortHash(planHash)} of release ${run.plan.release}`);
  const body = { kind: "approve", stepId, planHash, note, ...(saw && { saw }) } as const;
  return sendSignal(context, tminus, run, body, actor);
}

/** Undefined when nothing was shown, because nothing was to be. */
async function showPlan(
  { output, host }: CommandContext,
  tminus: Tminus,
  { id, plan }: Run,
): Promise<ApprovalView | undefined> {
  const before = await tminus.changesSinceApproval(id);
  if (output.isQuiet) return undefined;
  for (const line of planText(plan, output)) output.line(line);
  if (before !== undefined) {
    const { by, at, runId, planHash } = before;
    const when = at.toISOString().slice(0, 16).replace("T", " ");
    output.line(`since ${clean(by)} approved plan ${shortHash(planHash)} (run ${runId}) at ${when}Z:`);
    for (const line of before.changes) output.line(`  ${clean(line)}`);
  }
  return approvalView(plan, before?.changes ?? null, host.clock.now());
}
