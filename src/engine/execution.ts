import type { Attempt, Run } from "../model/run.ts";
import type { PlannedStep } from "../model/plan.ts";
import type { Execution } from "../model/journal.ts";
import type { PageReport } from "../model/step-kind.ts";
import type { Control } from "./control.ts";
import type { EnginePorts, OpenEnvironment } from "./ports.ts";

/** What every part of one execution of one run works with. */
export interface RunExecution {
  run: Run;
  execution: Execution;
  ports: EnginePorts;
  environment: OpenEnvironment;
  control: Control;
  /** Aborts with LEASE_LOST, or when the worker shuts down. Nothing may be changed afterwards. */
  lost: AbortSignal;
  /** Pages that are on their way, by subject and key. A run does not end before them. */
  pages: Map<string, Promise<PageReport>>;
  /** Every attempt known, kept up to date by the functions that make them. */
  attempts: Attempt[];
}

/** The attempts of one step in one phase, first to last. */
export function attemptsOf(
  context: { attempts: readonly Attempt[] },
  step: PlannedStep,
  phase: Attempt["phase"],
): Attempt[] {
  return context.attempts
    .filter((attempt) => attempt.stepId === step.id && attempt.phase === phase)
    .sort((a, b) => a.number - b.number); // by number, not by time: the database's clock may be set back
}

/** Whether this run may have brought the step's effect about. What was there before is not its own to undo. */
export function hasActed(execution: { attempts: readonly Attempt[] }, step: PlannedStep): boolean {
  return attemptsOf(execution, step, "act").some(({ acted }) => acted);
}

/** Whether the step's effect was taken away again. */
export function isUndone(context: { attempts: readonly Attempt[] }, step: PlannedStep): boolean {
  return attemptsOf(context, step, "undo").some(({ state }) => state === "done");
}

/** The same for every attempt of a step in a run; what providers are given as idempotency key. */
export function stepKey(runId: string, stepId: string): string {
  return `${runId}/${stepId}`;
}
