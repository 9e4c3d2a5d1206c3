import type { Plan, PlannedStep } from "./plan.ts";
import { stepsOf } from "./plan-steps.ts";

/** When a step is due. */
export interface Moment {
  step: string;
  /** From T-0; negative before it. */
  offsetMs: number;
}

/**
 * The steps that have a moment, in the order of the plan. The step at T-0 has one without an offset of its own, too. Empty when the plan knows no times. Requirement A9.
 */
export function momentsOf(plan: Pick<Plan, "stages" | "scheduled">): Moment[] {
  const steps = stepsOf(plan);
  if (plan.scheduled === undefined && steps.every(({ offsetMs }) => offsetMs === undefined)) return [];
  const zero = zeroStepOf(plan);
  return steps.flatMap((step) => {
    const offsetMs = step.offsetMs ?? (step === zero ? 0 : undefined);
    return offsetMs === undefined ? [] : [{ step: step.id, offsetMs }];
  });
}

/** The step at T-0: the first that says so, else the first after the last one before it; none when all come before it. */
export function zeroStepOf(plan: Pick<Plan, "stages">): PlannedStep | undefined {
  const steps = stepsOf(plan);
  const said = steps.find(({ offsetMs }) => offsetMs === 0);
  return said ?? steps[steps.findLastIndex(({ offsetMs }) => offsetMs !== undefined && offsetMs < 0) + 1];
}

/** How long before T-0 a run has to begin at the latest, in ms; 0 when nothing comes before it. */
export function leadMs(plan: Pick<Plan, "stages" | "scheduled">): number {
  return Math.max(0, ...momentsOf(plan).map(({ offsetMs }) => -offsetMs));
}
