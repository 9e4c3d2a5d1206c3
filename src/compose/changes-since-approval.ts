import type { Plan } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { ApprovedBefore } from "../model/tminus.ts";
import { movedInputs } from "../plan/moved-inputs.ts";
import type { Pool } from "../store/pool.ts";
import { lastApprovedPlan } from "../store/runs.ts";
import { readRun } from "../store/journal.ts";

/** See Tminus.changesSinceApproval. */
export async function changesSinceApproval(pool: Pool, runId: string): Promise<ApprovedBefore | undefined> {
  const before = await lastApprovedPlan(pool, runId);
  if (before === undefined) return undefined;
  const { plan, ...approved } = before;
  const changes = planChanges(plan, (await readRun(pool, runId)).plan);
  return { ...approved, planHash: plan.hash, changes };
}

/** What differs between two plans, for people: inputs, gates, and what steps do, one line each. */
export function planChanges(before: Plan, now: Plan): string[] {
  const [old, fresh] = [linesOf(before), linesOf(now)];
  const changes = [
    ...movedInputs(before, now).map((text) => `changed: ${text}`),
    ...old.filter((line) => !fresh.includes(line)).map((line) => `no longer: ${line}`),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `new: ${line}`),
  ];
  return changes.length > 0 ? changes : ["something that the plan's words do not tell"];
}

function linesOf(plan: Plan): string[] {
  return [
    ...plan.gates.map(({ id, verdict }) => `gate ${id}: ${verdict}`),
    ...stepsOf(plan).flatMap(({ id, title, summary }) => [
      `${id}: ${title}`,
      ...summary.map((line) => `${id}: ${line}`),
    ]),
  ];
}
