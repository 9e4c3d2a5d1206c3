import type { PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Attempt } from "../model/run.ts";
import type { EarlierStep } from "../model/step-kind.ts";
import { attemptsOf, hasActed, isUndone, stepKey, type RunExecution } from "./execution.ts";

/** What the journal knows of a step of the run; undefined when the plan has no such step. */
export async function earlierStep(
  { run, ports }: RunExecution,
  stepId: string,
): Promise<EarlierStep | undefined> {
  const step = stepsOf(run.plan).find(({ id }) => id === stepId);
  if (step === undefined) return undefined;
  // From the journal, not from memory: what is relied on as proof is what is written.
  const attempts = await ports.journal.attempts(run.id);
  const acts = attemptsOf({ attempts }, step, "act");
  const last = acts.find(({ state }) => state === "done") ?? acts.at(-1);
  return {
    stepId,
    kind: step.kind,
    title: step.title,
    key: stepKey(run.id, stepId),
    with: step.with,
    state: isUndone({ attempts }, step) ? "undone" : (last?.state ?? "pending"),
    reason: last?.reason ?? "",
    result: last?.result ?? {},
    evidence: await ports.journal.evidenceOf(run.id, stepId),
    endedAt: last?.endedAt,
  };
}

/** When one of the run's steps last moved traffic, if one has. */
export function trafficMovedAt(execution: {
  attempts: readonly Attempt[];
  run: RunExecution["run"];
}): Date | undefined {
  const moved = (step: PlannedStep): Date[] =>
    step.trafficPercent === undefined || !hasActed(execution, step)
      ? []
      : attemptsOf(execution, step, "act").flatMap(({ acted, begunAt, endedAt }) =>
          acted ? [endedAt ?? begunAt] : [],
        );
  return stepsOf(execution.run.plan)
    .flatMap(moved)
    .sort((a, b) => a.getTime() - b.getTime())
    .at(-1);
}

/** The release's share of the traffic by what the plan does before a step; undefined when nothing before it moves traffic. */
export function plannedTraffic(plan: RunExecution["run"]["plan"], stepId: string): number | undefined {
  const steps = stepsOf(plan);
  const before = steps.slice(
    0,
    steps.findIndex(({ id }) => id === stepId),
  );
  return before.findLast(({ trafficPercent }) => trafficPercent !== undefined)?.trafficPercent;
}
