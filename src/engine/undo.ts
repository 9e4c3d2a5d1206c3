import { crashPoint } from "../lib/crash-point.ts";
import { deadline } from "../lib/clock.ts";
import { TminusError, hasCode } from "../errors.ts";
import type { PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { StepResult } from "../model/step-kind.ts";
import { beginAttempt, endAttempt, kindOf } from "./attempt.ts";
import { attemptsOf, hasActed, isUndone, type RunExecution } from "./execution.ts";
import { openStepContext, type OpenStepContext } from "./step-context.ts";

/** How often a failing compensation is tried before it is given up and people are told. */
const UNDO_TRIES = 4;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
const UNANSWERED_PATIENCE_MS = 60_000;

export interface UndoReport {
  /** Steps whose effect was taken away. */
  undone: string[];
  /** Steps that could not be undone, with why. */
  failed: { stepId: string; reason: string }[];
  /** Steps whose effect stays by design, with why. */
  kept: { stepId: string; reason: string }[];
}

/**
 * Undoes every step that this run carried out, last first; traffic therefore goes back before anything else. One failing
 * compensation does not stop the others. Safe to call again after a crash: what is undone is not undone twice.
 */
export async function undoSteps(execution: RunExecution): Promise<UndoReport> {
  const report: UndoReport = { undone: [], failed: [], kept: [] };
  for (const step of stepsOf(execution.run.plan).reverse()) {
    const acts = attemptsOf(execution, step, "act");
    if (acts.length === 0) continue;
    if (isUndone(execution, step)) {
      report.undone.push(step.id);
      continue;
    }
    const isOurs = hasActed(execution, step);
    if (!isOurs || step.undo.how !== "undo") {
      await keep(execution, step, isOurs ? step.undo.text : "this run did not change it", report);
      continue;
    }
    const ended = await undoStep(execution, step);
    if (ended.outcome === "done") report.undone.push(step.id);
    else report.failed.push({ stepId: step.id, reason: ended.reason });
  }
  return report;
}

async function keep(
  { ports, execution }: RunExecution,
  step: PlannedStep,
  reason: string,
  report: UndoReport,
): Promise<void> {
  report.kept.push({ stepId: step.id, reason });
  await ports.journal.record(execution, "undo.skipped", { stepId: step.id, reason });
}

/** A world that refuses is tried a few times; one that does not answer for a minute, because it may come back. */
async function undoStep(execution: RunExecution, step: PlannedStep): Promise<StepResult> {
  const { ports, lost } = execution;
  const giveUpAt = ports.clock.monotonicMs() + UNANSWERED_PATIENCE_MS;
  for (let tries = 1; ; tries++) {
    const ended = await undoOnce(execution, step);
    if (ended.outcome === "done") return ended;
    const isSilent = hasCode(ended.error, "TARGET_UNREACHABLE", "DATABASE_UNREACHABLE");
    if (tries >= UNDO_TRIES && (!isSilent || ports.clock.monotonicMs() >= giveUpAt)) return ended;
    await ports.clock.sleep(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1)), lost);
  }
}

type UndoEnd = StepResult & { error?: TminusError };

async function undoOnce(execution: RunExecution, step: PlannedStep): Promise<UndoEnd> {
  const { lost } = execution;
  crashPoint("undo.before-intent", step.id);
  const attempt = await beginAttempt(execution, step, "undo");
  crashPoint("undo.after-intent", step.id);
  // A rollback is never stopped by a person's abort, only by time or by losing the environment.
  const signal = AbortSignal.any([lost, deadline(step.timeoutMs)]);
  const open = await openStepContext(execution, step, signal);
  let ended: UndoEnd;
  try {
    ended = await takeAway(execution, step, open);
    crashPoint("undo.after-undo", step.id);
  } catch (error) {
    lost.throwIfAborted();
    if (hasCode(error, "LEASE_LOST", "STATE_UNAVAILABLE")) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const failure = hasCode(error) ? error : new TminusError("INTERNAL", message, { cause: error });
    ended = { outcome: "failed", reason: message, result: {}, error: failure };
  }
  const reason = await endAttempt(execution, step, attempt, open, ended);
  return { ...ended, reason };
}

/** Undoing is safe to repeat by contract, and so is undoing what never happened: it is never skipped on a guess. */
async function takeAway(
  execution: RunExecution,
  step: PlannedStep,
  { context }: OpenStepContext,
): Promise<StepResult> {
  const kind = kindOf(execution, step);
  if (kind.undo === undefined)
    return { outcome: "failed", reason: `${step.kind} cannot be undone`, result: {} };
  const acts = attemptsOf(execution, step, "act");
  const done = acts.findLast(({ state }) => state === "done");
  return kind.undo(context, (done ?? acts.at(-1))?.result);
}
