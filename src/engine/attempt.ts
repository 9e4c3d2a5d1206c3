import { crashPoint } from "../lib/crash-point.ts";
import { deadline } from "../lib/clock.ts";
import { TminusError, hasCode, toErrorRecord } from "../errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { PlannedStep } from "../model/plan.ts";
import type { Attempt } from "../model/run.ts";
import type { Observation, StepKind, StepResult } from "../model/step-kind.ts";
import { attemptsOf, hasActed, type RunExecution } from "./execution.ts";
import { openStepContext, type OpenStepContext } from "./step-context.ts";

export type StepOutcome =
  | { outcome: "done" }
  | { outcome: "failed"; reason: string }
  /** Nobody can tell whether it took effect. `mayPass`: because something did not answer just now. */
  | { outcome: "unknown"; reason: string; mayPass: boolean };

export interface AttemptOptions {
  /** A person said that it did not happen, or that it may be repeated: act without being stopped by `unknown`. */
  actAnyway?: boolean;
}

/** How often a step whose world did not answer is tried again before a person is asked. */
const UNKNOWN_TRIES = 4;
const FIRST_BACKOFF_MS = 500;
/** Errors that say nothing about the step: its world did not answer. */
const UNANSWERED = ["TARGET_UNREACHABLE", "DATABASE_UNREACHABLE"] as const;

/**
 * Attempts a step until it is known to be done or failed. Where nobody answers (an unreachable target or
 * database is not a failure of the release) it looks again a few times; after that the outcome is unknown.
 */
export async function attemptStep(
  execution: RunExecution,
  step: PlannedStep,
  options: AttemptOptions = {},
): Promise<StepOutcome> {
  let outcome = await attemptOnce(execution, step, options);
  for (let tries = 1; tries < UNKNOWN_TRIES && outcome.outcome === "unknown" && outcome.mayPass; tries++) {
    const stopped = AbortSignal.any([execution.lost, execution.control.stopped]);
    await execution.ports.clock.sleep(FIRST_BACKOFF_MS * 2 ** (tries - 1), stopped).catch(() => undefined);
    execution.lost.throwIfAborted();
    if (execution.control.stopRequest() !== undefined) return outcome;
    // Without the options: a person's word to act anyway was for one act.
    outcome = await attemptOnce(execution, step, {});
  }
  return outcome;
}

/**
 * One attempt at a step: intent, observe, act, verify, outcome. Does nothing when an earlier attempt is done.
 * A stop request aborts it and counts as failed, so that the rollback undoes what it did.
 * Throws LEASE_LOST when the run was taken over; then nothing was recorded.
 */
async function attemptOnce(
  execution: RunExecution,
  step: PlannedStep,
  options: AttemptOptions,
): Promise<StepOutcome> {
  const earlier = attemptsOf(execution, step, "act");
  if (earlier.some(({ state }) => state === "done")) return { outcome: "done" };
  const kind = kindOf(execution, step);

  crashPoint("step.before-intent", step.id);
  const attempt = await beginAttempt(execution, step, "act");
  crashPoint("step.after-intent", step.id);

  const signal = AbortSignal.any([execution.lost, execution.control.stopped, deadline(step.timeoutMs)]);
  const open = await openStepContext(execution, step, signal);
  try {
    const result = await carryOut(kind, open, execution, step, attempt, options);
    if (result.outcome === "unknown") return await park(execution, step, open, result);
    const reason = await endAttempt(execution, step, attempt, open, result);
    return result.outcome === "done" ? { outcome: "done" } : { outcome: "failed", reason };
  } catch (error) {
    execution.lost.throwIfAborted();
    if (hasCode(error, "LEASE_LOST", "STATE_UNAVAILABLE")) throw error;
    const failure = explainAbort(error, execution, step, signal);
    if (!signal.aborted && hasCode(failure, ...UNANSWERED)) {
      return await park(execution, step, open, {
        outcome: "unknown",
        reason: failure.message,
        mayPass: true,
      });
    }
    const reason = await endAttempt(execution, step, attempt, open, {
      outcome: "failed",
      reason: failure.message,
      result: {},
      error: failure,
    });
    return { outcome: "failed", reason };
  }
}

type Unknown = Extract<StepOutcome, { outcome: "unknown" }>;

/** Tells that it is not known; the attempt stays begun, so that the next one knows that it was interrupted. */
async function park(
  { ports, execution, environment }: RunExecution,
  step: PlannedStep,
  open: OpenStepContext,
  unknown: Unknown,
): Promise<Unknown> {
  await open.settle();
  const reason = environment.redactor.redact(unknown.reason);
  await ports.journal.record(execution, "step.parked", { stepId: step.id, reason });
  return { ...unknown, reason };
}

async function carryOut(
  kind: StepKind,
  { context }: OpenStepContext,
  run: RunExecution,
  step: PlannedStep,
  attempt: Attempt,
  { actAnyway }: AttemptOptions,
): Promise<StepResult | Unknown> {
  const { ports, execution } = run;
  const mayBeThere = hasActed(run, step);
  const seen: Observation = await kind.observe(context);
  crashPoint("step.after-observe", step.id);
  let acted: StepResult;
  if (seen.state === "done") {
    await ports.journal.record(execution, "step.observed", {
      stepId: step.id,
      state: "done",
      reason: run.environment.redactor.redact(seen.reason),
    });
    acted = { outcome: "done", reason: seen.reason, result: seen.result };
  } else if (seen.state === "unknown" && mayBeThere && actAnyway !== true) {
    return { outcome: "unknown", reason: seen.reason, mayPass: false };
  } else {
    await ports.journal.markActed(execution, step.id, "act", attempt.number);
    attempt.acted = true;
    crashPoint("step.before-act", step.id);
    acted = await kind.act(context);
    crashPoint("step.after-act", step.id);
  }
  if (acted.outcome === "failed" || kind.verify === undefined) return acted;
  const verdict = await kind.verify(context, acted.result);
  crashPoint("step.after-verify", step.id);
  switch (verdict.verdict) {
    case "pass":
      return acted;
    case "fail":
      return { outcome: "failed", reason: `not verified: ${verdict.reason}`, result: acted.result };
    case "unknown":
      return { outcome: "unknown", reason: `could not be verified: ${verdict.reason}`, mayPass: true };
  }
}

/** Writes the intent, fenced, and remembers it. */
export async function beginAttempt(
  { ports, execution, attempts, run }: RunExecution,
  step: PlannedStep,
  phase: Attempt["phase"],
): Promise<Attempt> {
  const data = { stepId: step.id, kind: step.kind, title: step.title };
  const number = await ports.journal.beginAttempt(execution, step.id, phase, data);
  const attempt: Attempt = {
    runId: run.id,
    stepId: step.id,
    phase,
    number,
    state: "begun",
    acted: false,
    begunAt: ports.clock.now(),
  };
  attempts.push(attempt);
  return attempt;
}

/** Writes the outcome, fenced, with the evidence kept so far. Returns the reason, redacted. */
export async function endAttempt(
  { ports, execution, environment }: RunExecution,
  step: PlannedStep,
  attempt: Attempt,
  open: OpenStepContext,
  ended: StepResult & { error?: TminusError },
): Promise<string> {
  await open.settle();
  const redact = <T>(value: T): T => environment.redactor.redactJson(value);
  const reason = redact(ended.reason);
  const result: JsonObject = redact(ended.result);
  const isUndo = attempt.phase === "undo";
  const type =
    ended.outcome === "done" ? (isUndo ? "undo.done" : "step.done") : isUndo ? "undo.failed" : "step.failed";
  await ports.journal.endAttempt(execution, {
    stepId: step.id,
    phase: attempt.phase,
    number: attempt.number,
    state: ended.outcome,
    reason,
    result,
    ...(ended.error === undefined ? {} : { error: redact(toErrorRecord(ended.error)) }),
    type,
    data: { stepId: step.id, reason, evidence: open.evidence },
  });
  attempt.state = ended.outcome;
  attempt.reason = reason;
  attempt.result = result;
  attempt.endedAt = ports.clock.now();
  crashPoint(isUndo ? "undo.after-outcome" : "step.after-outcome", step.id);
  return reason;
}

/** Errors: RUN_PROTOCOL_UNKNOWN when this version does not have the step's kind in the planned version. */
export function kindOf({ ports }: RunExecution, step: PlannedStep): StepKind {
  const kind = ports.stepKind(step.kind);
  if (kind === undefined || kind.version !== step.kindVersion) {
    throw new TminusError(
      "RUN_PROTOCOL_UNKNOWN",
      `this worker does not have step kind ${step.kind} version ${step.kindVersion}`,
    );
  }
  return kind;
}

/** What a thrown error means: a person's stop, the time limit, or the error itself. */
function explainAbort(
  error: unknown,
  execution: RunExecution,
  step: PlannedStep,
  signal: AbortSignal,
): TminusError {
  const request = execution.control.stopRequest();
  if (request !== undefined) {
    return new TminusError("STEP_FAILED", `interrupted: ${request.body.kind} by ${request.actor}`, {
      cause: error,
    });
  }
  if (signal.aborted) {
    return new TminusError("STEP_TIMEOUT", `did not finish within ${step.timeoutMs / 1000} s`, {
      cause: error,
    });
  }
  if (hasCode(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TminusError("INTERNAL", message, { cause: error });
}
