import type { PlannedStage, PlannedStep } from "../model/plan.ts";
import type { RunVerdict } from "../model/run.ts";
import { askPerson, saidText, type Answer } from "./ask-person.ts";
import { attemptStep, type AttemptOptions, type StepOutcome } from "./attempt.ts";
import { askBeforeSecondRollback, earlierRollback } from "./loop-guard.ts";
import { attemptsOf, type RunExecution } from "./execution.ts";
import { whileWaiting } from "./step-context.ts";
import { settleZero, tellLate, waitForMoment } from "./timeline.ts";
import { waitWhileFrozen } from "./window.ts";

/**
 * Carries out the plan from wherever it stands. Returns undefined when every step is done, else why the run
 * stops going forward. Writes nothing about the verdict: the caller journals it before anything is undone.
 */
export async function goForward(execution: RunExecution): Promise<RunVerdict | undefined> {
  const { run, ports } = execution;
  for (const stage of run.plan.stages) {
    const isOpen = stage.steps.some((step) => !isDone(execution, step));
    if (isOpen)
      await ports.journal.record(execution.execution, "stage.started", {
        stage: stage.id,
        title: stage.title,
      });
    for (const step of stage.steps) {
      const verdict = await carryOutStep(execution, step);
      if (verdict !== undefined) return verdict;
    }
    if (isOpen) await endStage(execution, stage);
  }
  return stopVerdict(execution);
}

async function carryOutStep(execution: RunExecution, step: PlannedStep): Promise<RunVerdict | undefined> {
  if (isDone(execution, step)) return undefined;
  const early = (await waitWhileHeld(execution)) ?? stopVerdict(execution);
  if (early !== undefined) return early;
  await settleZero(execution, step);
  await waitForMoment(execution, step);
  // Once more, each after the other: either may have begun during the other wait.
  for (let isHeld = true; isHeld;) {
    await waitWhileFrozen(execution, step);
    isHeld = execution.control.isHeld();
    await waitWhileHeld(execution);
  }
  if (stopVerdict(execution) === undefined) await tellLate(execution, step);

  let options: AttemptOptions = {};
  for (;;) {
    const stop = stopVerdict(execution);
    if (stop !== undefined) return stop;
    const outcome = earlierFailure(execution, step, options) ?? (await attemptStep(execution, step, options));
    if (outcome.outcome === "done") return undefined;
    const decided = stopVerdict(execution) ?? policyVerdict(execution, step, outcome);
    const earlier = decided === undefined ? undefined : await earlierRollback(execution, decided);
    if (decided !== undefined && earlier === undefined) return decided;
    const answer =
      earlier === undefined
        ? await askAboutStep(execution, step, outcome)
        : await askBeforeSecondRollback(execution, step.id, outcome.reason, earlier);
    if (answer === undefined) continue; // a stop request: the top of the loop returns it
    if (answer.as === "done") return acceptAsDone(execution, step, answer.actor);
    if (answer.as === "failed")
      return failure(execution, step, `${outcome.reason}; ${saidText(answer)}`, answer.actor);
    options = { actAnyway: true };
  }
}

/** A failure that an earlier execution recorded before it died is decided on, not tried again. */
function earlierFailure(
  execution: RunExecution,
  step: PlannedStep,
  options: AttemptOptions,
): StepOutcome | undefined {
  if (options.actAnyway === true) return undefined;
  const last = attemptsOf(execution, step, "act").at(-1);
  return last?.state === "failed" ? { outcome: "failed", reason: last.reason ?? "failed" } : undefined;
}

/** What the plan says about this failure, or undefined when a person has to decide. */
function policyVerdict(
  execution: RunExecution,
  step: PlannedStep,
  outcome: StepOutcome,
): RunVerdict | undefined {
  if (outcome.outcome !== "failed") return undefined;
  if (step.onFailure === "hold" || !execution.run.plan.rollback.automatic) return undefined;
  return failure(execution, step, outcome.reason, deciderOf(execution, step));
}

/** A step that failed by a person's word says whose; nobody else decided then. */
function deciderOf(execution: RunExecution, step: PlannedStep): string {
  const { decidedBy } = attemptsOf(execution, step, "act").at(-1)?.result ?? {};
  return typeof decidedBy === "string" && decidedBy !== "" ? decidedBy : "tminus";
}

/** Asks a person about a step; undefined when they stopped the run instead. */
function askAboutStep(
  execution: RunExecution,
  step: PlannedStep,
  outcome: StepOutcome,
): Promise<Answer | undefined> {
  const { run } = execution;
  const question =
    outcome.outcome === "unknown"
      ? `it is not known whether ${step.id} took effect: ${outcome.reason}. Look, then: tminus resume ${run.id} --as done | retry | failed`
      : `${step.id} failed: ${outcome.outcome === "failed" ? outcome.reason : ""}. Decide: tminus resume ${run.id} --as retry | failed, or tminus rollback ${run.id}`;
  return askPerson(execution, step.id, question);
}

/** A person looked and says that the effect is there. */
async function acceptAsDone(execution: RunExecution, step: PlannedStep, actor: string): Promise<undefined> {
  const { ports, attempts } = execution;
  const attempt = attemptsOf(execution, step, "act").at(-1);
  const reason = `${actor} says that it is done`;
  const number = attempt?.number ?? 1;
  const result = { acceptedBy: actor };
  await ports.journal.endAttempt(execution.execution, {
    stepId: step.id,
    phase: "act",
    number,
    state: "done",
    reason,
    result,
    type: "step.done",
    data: { stepId: step.id, reason, evidence: {} },
  });
  const known = attempts.find((item) => item === attempt);
  if (known !== undefined)
    Object.assign(known, { state: "done", reason, result, endedAt: ports.clock.now() });
  return undefined;
}

async function waitWhileHeld(execution: RunExecution): Promise<RunVerdict | undefined> {
  const { control, lost, run } = execution;
  const hold = control.holdRequest();
  if (hold === undefined) return undefined;
  const text = `held by ${hold.actor}; go on with: tminus resume ${run.id}`;
  await execution.ports.journal.record(
    execution.execution,
    "run.held",
    { by: hold.actor },
    { state: "held" },
  );
  await whileWaiting(execution, undefined, { for: "decision", text }, async () => {
    while (control.isHeld() && control.stopRequest() === undefined) await control.changed(lost);
  });
  await execution.ports.journal.record(execution.execution, "run.resumed", {}, { state: "running" });
  return stopVerdict(execution);
}

async function endStage({ ports, execution }: RunExecution, stage: PlannedStage): Promise<void> {
  await ports.journal.record(execution, "stage.ended", { stage: stage.id });
}

function isDone(execution: RunExecution, step: PlannedStep): boolean {
  return attemptsOf(execution, step, "act").some(({ state }) => state === "done");
}

/** The verdict that a person's abort or rollback amounts to, if there is one. */
export function stopVerdict({ control, ports }: RunExecution): RunVerdict | undefined {
  const request = control.stopRequest();
  if (request === undefined) return undefined;
  const { kind, note } = request.body as { kind: "abort" | "rollback"; note: string };
  return {
    decision: kind === "abort" ? "stop" : "roll-back",
    reason: note === "" ? `${kind} requested` : note,
    by: request.actor,
    at: ports.clock.now().toISOString(),
  };
}

function failure({ ports }: RunExecution, step: PlannedStep, reason: string, by: string): RunVerdict {
  return {
    decision: "roll-back",
    reason,
    stepId: step.id,
    by,
    at: ports.clock.now().toISOString(),
  };
}
