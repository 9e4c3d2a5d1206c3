import { actorRecord } from "../model/actor-text.ts";
import type { Actor } from "../model/actor.ts";
import type { EnvironmentLock } from "../model/lock.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";

interface LockRow {
  id: number;
  environment: string;
  run_id: string;
  release: string;
  step_id: string | null;
  reason: string;
  had_traffic: boolean;
  locked_at: Date;
  unlocked_at: Date | null;
  unlocked_by: string | null;
  unlock_reason: string | null;
}

/** The lock that is open, if any. */
export async function readLock(
  pool: Pool,
  project: string,
  environment: string,
): Promise<EnvironmentLock | undefined> {
  const [row] = await query<LockRow>(
    pool,
    "select * from tminus.environment_lock where project = $1 and environment = $2 and unlocked_at is null",
    [project, environment],
  );
  return row === undefined ? undefined : toLock(row);
}

/** The newest lock, open or not, of a run that took traffic away from this release again by itself. */
export async function lastRollbackOf(
  pool: Pool,
  project: string,
  environment: string,
  release: string,
): Promise<EnvironmentLock | undefined> {
  const [row] = await query<LockRow>(
    pool,
    `select * from tminus.environment_lock
     where project = $1 and environment = $2 and release = $3 and had_traffic order by id desc limit 1`,
    [project, environment, release],
  );
  return row === undefined ? undefined : toLock(row);
}

/** False when somebody else has unlocked it already. */
export async function unlock(
  pool: Pool,
  lock: EnvironmentLock,
  actor: Actor,
  reason: string,
): Promise<boolean> {
  const [row] = await query<{ unlocked: boolean }>(
    pool,
    "select tminus.unlock_environment($1, $2, $3, $4) as unlocked",
    [
      lock.id,
      storedText(actor.name),
      storedText(reason),
      storedJson({ environment: lock.environment, reason, by: actorRecord(actor) }),
    ],
  );
  return row?.unlocked === true;
}

function toLock(row: LockRow): EnvironmentLock {
  const { unlocked_at: at, unlocked_by: by, unlock_reason: why } = row;
  return {
    id: row.id,
    environment: row.environment,
    runId: row.run_id,
    release: row.release,
    ...(row.step_id === null ? {} : { stepId: row.step_id }),
    reason: row.reason,
    hadTraffic: row.had_traffic,
    at: row.locked_at,
    ...(at === null || by === null || why === null ? {} : { unlocked: { by, at, reason: why } }),
  };
}
