import { formatOffset } from "../lib/duration.ts";
import { stepsOf, type PlannedStage, type PlannedStep } from "../model/plan.ts";
import type { RunVerdict } from "../model/run.ts";
import type { Signal } from "../model/signal.ts";
import { attemptStep, type AttemptOptions, type StepOutcome } from "./attempt.ts";
import { attemptsOf, type RunExecution } from "./execution.ts";
import { whileWaiting } from "./step-context.ts";

/**
 * Carries out the plan from wherever it stands. Returns undefined when every step is done, else why the run
 * stops going forward. Writes nothing about the verdict: the caller journals it before anything is undone.
 */
export async function goForward(execution: RunExecution): Promise<RunVerdict | undefined> {
  const { run, ports } = execution;
  const zeroAt = indexOfZero(stepsOf(run.plan));
  let index = 0;
  for (const stage of run.plan.stages) {
    const isOpen = stage.steps.some((step) => !isDone(execution, step));
    if (isOpen)
      await ports.journal.record(execution.execution, "stage.started", {
        stage: stage.id,
        title: stage.title,
      });
    for (const step of stage.steps) {
      const verdict = await carryOutStep(execution, step, index === zeroAt);
      if (verdict !== undefined) return verdict;
      index++;
    }
    if (isOpen) await endStage(execution, stage);
  }
  return stopVerdict(execution);
}

async function carryOutStep(
  execution: RunExecution,
  step: PlannedStep,
  isZero: boolean,
): Promise<RunVerdict | undefined> {
  if (isDone(execution, step)) return undefined;
  const early = (await waitWhileHeld(execution)) ?? stopVerdict(execution);
  if (early !== undefined) return early;
  if (isZero && execution.run.zeroAt === undefined) await recordZero(execution);
  await waitForOffset(execution, step);

  let options: AttemptOptions = {};
  for (;;) {
    const stop = stopVerdict(execution);
    if (stop !== undefined) return stop;
    const outcome = earlierFailure(execution, step, options) ?? (await attemptStep(execution, step, options));
    if (outcome.outcome === "done") return undefined;
    const decided = stopVerdict(execution) ?? policyVerdict(execution, step, outcome);
    if (decided !== undefined) return decided;
    const answer = await askPerson(execution, step, outcome);
    if (answer === undefined) continue; // a stop request: the top of the loop returns it
    if (answer.as === "done") return acceptAsDone(execution, step, answer.signal);
    if (answer.as === "failed") return failure(execution, step, `${answer.signal.actor}: ${answer.note}`);
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
  return failure(execution, step, outcome.reason);
}

interface Answer {
  as: "done" | "retry" | "failed";
  note: string;
  signal: Signal;
}

/** Parks the run until a person resolves the step; undefined when they stopped the run instead. */
async function askPerson(
  execution: RunExecution,
  step: PlannedStep,
  outcome: StepOutcome,
): Promise<Answer | undefined> {
  if (outcome.outcome === "done") return undefined;
  const { control, lost, ports, run } = execution;
  const number = attemptsOf(execution, step, "act").length;
  const asked = await questionOf(execution, step, number);
  const question =
    outcome.outcome === "unknown"
      ? `it is not known whether ${step.id} took effect: ${outcome.reason}. Look, then: tminus resume ${run.id} --as done | retry | failed`
      : `${step.id} failed: ${outcome.reason}. Decide: tminus resume ${run.id} --as retry | failed, or tminus rollback ${run.id}`;
  return whileWaiting(execution, step, { for: "decision", text: question }, async () => {
    for (;;) {
      if (control.stopRequest() !== undefined) return undefined;
      const answer = control.all().find((signal) => signal.id > asked && isResolveOf(signal, step));
      if (answer?.body.kind === "resolve")
        return { as: answer.body.as, note: answer.body.note, signal: answer };
      await control.changed(lost);
      ports.log(`run ${run.id}: a signal arrived`);
    }
  });
}

/**
 * The id of the last signal when this attempt's question was first asked: only later answers count for it.
 * Kept with the step's state under a name of its own, so that a restart does not forget an answer given meanwhile.
 */
async function questionOf(
  { ports, run, execution, control }: RunExecution,
  step: PlannedStep,
  attempt: number,
): Promise<number> {
  const name = `${step.id}#question-${attempt}`;
  const stored = await ports.journal.loadState(run.id, name);
  if (typeof stored === "number") return stored;
  const last = control.all().at(-1)?.id ?? 0;
  await ports.journal.saveState(execution, name, last);
  return last;
}

function isResolveOf({ body }: Signal, step: PlannedStep): boolean {
  return body.kind === "resolve" && body.stepId === step.id;
}

/** A person looked and says that the effect is there. */
async function acceptAsDone(execution: RunExecution, step: PlannedStep, signal: Signal): Promise<undefined> {
  const { ports, attempts } = execution;
  const attempt = attemptsOf(execution, step, "act").at(-1);
  const reason = `${signal.actor} says that it is done`;
  const number = attempt?.number ?? 1;
  const result = { acceptedBy: signal.actor };
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
  if (known !== undefined) Object.assign(known, { state: "done", reason, result });
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

/** Steps before T-0 come as early as they can; a step after T-0 waits for its offset. Requirement A9. */
async function waitForOffset(execution: RunExecution, step: PlannedStep): Promise<void> {
  const { run, ports, control, lost } = execution;
  if (step.offsetMs === undefined || step.offsetMs <= 0 || run.zeroAt === undefined) return;
  const until = run.zeroAt.getTime() + step.offsetMs;
  const left = until - ports.clock.now().getTime();
  if (left <= 0) return;
  const text = `${step.id} starts at ${formatOffset(step.offsetMs)}`;
  await whileWaiting(execution, step, { for: "time", text, until: new Date(until).toISOString() }, () =>
    ports.clock.sleep(left, AbortSignal.any([lost, control.stopped])).catch((error: unknown) => {
      lost.throwIfAborted();
      if (control.stopRequest() === undefined) throw error;
    }),
  );
}

async function recordZero(execution: RunExecution): Promise<void> {
  const { ports, run } = execution;
  await ports.journal.record(execution.execution, "run.zero", {}, { zero: true });
  const { zeroAt } = await ports.journal.run(run.id);
  if (zeroAt !== undefined) run.zeroAt = zeroAt;
}

/** T-0 is the first step after the last one that is placed before it. */
function indexOfZero(steps: PlannedStep[]): number {
  return steps.findLastIndex(({ offsetMs }) => offsetMs !== undefined && offsetMs < 0) + 1;
}

async function endStage({ ports, execution }: RunExecution, stage: PlannedStage): Promise<void> {
  await ports.journal.record(execution, "stage.ended", { stage: stage.id });
}

function isDone(execution: RunExecution, step: PlannedStep): boolean {
  return attemptsOf(execution, step, "act").some(({ state }) => state === "done");
}

function stopVerdict({ control, ports }: RunExecution): RunVerdict | undefined {
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

function failure({ ports }: RunExecution, step: PlannedStep, reason: string): RunVerdict {
  return {
    decision: "roll-back",
    reason,
    stepId: step.id,
    by: "tminus",
    at: ports.clock.now().toISOString(),
  };
}
