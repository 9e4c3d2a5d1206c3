import { TminusError, toErrorRecord } from "../errors.ts";
import { lockText, unlockHint, type EnvironmentLock } from "../model/lock.ts";
import type { Plan } from "../model/plan.ts";
import { readLock } from "../store/locks.ts";
import { findPool, type StatePlace } from "./state-place.ts";

/** The lock of an environment. Makes no state where there was none: nothing is locked there. Errors: STATE_UNAVAILABLE. */
export async function findLock(place: StatePlace, name: string): Promise<EnvironmentLock | undefined> {
  const pool = await findPool(place);
  return pool === undefined ? undefined : readLock(pool, place.project, name);
}

/** Why nothing can be planned into an environment: it is locked, or that could not be found out. */
export async function lockBlocks(place: StatePlace, name: string): Promise<Plan["blocked"]> {
  const where = "environment";
  try {
    const lock = await findLock(place, name);
    return lock === undefined ? [] : [{ where, reason: lockText(lock), fix: unlockHint(lock) }];
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    return [{ where, reason: `it could not be found out whether ${name} is locked: ${message}`, fix: hint }];
  }
}

/** Errors: ENVIRONMENT_LOCKED for a deploy. */
export async function refuseWhenLocked(
  place: StatePlace,
  { purpose, environment: { name } }: Pick<Plan, "purpose" | "environment">,
): Promise<void> {
  if (purpose !== "deploy") return;
  const lock = await findLock(place, name);
  if (lock === undefined) return;
  const { runId, release, reason, at } = lock;
  throw new TminusError("ENVIRONMENT_LOCKED", lockText(lock), {
    hint: unlockHint(lock),
    details: { environment: name, run: runId, release, reason, at: at.toISOString() },
  });
}
