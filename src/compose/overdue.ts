import { itemsToAttest, type OverdueItem } from "../model/attestation.ts";
import { isOverdue, type FollowUp } from "../model/follow-up.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { Run } from "../model/run.ts";
import { openFollowUps } from "../store/follow-ups.ts";
import type { Pool } from "../store/pool.ts";
import { attestedItems } from "../store/runs.ts";

/** What the run waits for somebody to attest, and that should have been by now. */
export async function overdueItems(pool: Pool, run: Run, now: Date): Promise<OverdueItem[]> {
  const { waitingFor, zeroAt, plan } = run;
  const step = stepsOf(plan).find(({ id }) => id === waitingFor?.stepId);
  if (waitingFor?.for !== "attestation" || zeroAt === undefined || step === undefined) return [];
  const due = itemsToAttest(step).flatMap(({ id: item, owner, dueMs, isRequired }) => {
    if (dueMs === undefined || !isRequired) return [];
    const dueAt = new Date(zeroAt.getTime() + dueMs);
    return dueAt > now
      ? []
      : [{ run: run.id, step: step.id, item, dueAt, ...(owner === undefined ? {} : { owner }) }];
  });
  if (due.length === 0) return [];
  const attested = await attestedItems(pool, run.id, step.id);
  return due.filter(({ item }) => !attested.includes(item));
}

/** Of one environment. */
export async function overdueTasks(
  pool: Pool,
  project: string,
  environment: string,
  now: Date,
): Promise<FollowUp[]> {
  return (await openFollowUps(pool, project, environment)).filter((task) => isOverdue(task, now));
}
