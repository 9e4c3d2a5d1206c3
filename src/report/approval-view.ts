import type { Plan } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { ApprovalView } from "../model/signal.ts";

const MAX_LINES = 2000;

/**
 * What somebody is shown of a plan before they approve it, for the record. `changes` is what differs from the plan that was
 * approved before; null when none was.
 */
export function approvalView(plan: Plan, changes: readonly string[] | null, at: Date): ApprovalView {
  return {
    at: at.toISOString(),
    gates: plan.gates.map(({ id, verdict }) => ({ id, verdict })),
    summary: stepsOf(plan)
      .flatMap(({ id, title, summary }) => [`${id}: ${title}`, ...summary.map((line) => `${id}: ${line}`)])
      .slice(0, MAX_LINES),
    changes: changes?.slice(0, MAX_LINES) ?? null,
  };
}
