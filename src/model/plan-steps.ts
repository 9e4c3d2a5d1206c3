import type { Plan, PlannedStep } from "./plan.ts";

/** All steps of a plan in the order in which they run. Beside the schema, so that whoever asks for them need not load it. */
export function stepsOf({ stages }: Pick<Plan, "stages">): PlannedStep[] {
  return stages.flatMap(({ steps }) => steps);
}
