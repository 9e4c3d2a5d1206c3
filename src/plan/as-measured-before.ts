import type { Plan, PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";

/**
 * The plan that was made again, with what its steps measured taken from the one before where nothing else about the step has
 * changed: traffic is never the same twice, and a step's inputs, which stay as they are, say what it relies on.
 * `isMeasuring` tells the kinds whose facts are measurements.
 */
export function asMeasuredBefore(now: Plan, before: Plan, isMeasuring: (kind: string) => boolean): Plan {
  const known = new Map(stepsOf(before).map((step) => [step.id, step]));
  const asBefore = (step: PlannedStep): PlannedStep => {
    const { facts, summary } = known.get(step.id) ?? step;
    return isMeasuring(step.kind) ? { ...step, facts, summary } : step;
  };
  return { ...now, stages: now.stages.map((stage) => ({ ...stage, steps: stage.steps.map(asBefore) })) };
}
