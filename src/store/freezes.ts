import type { DeclaredFreeze, NewFreeze } from "../model/freeze.ts";
import { query, storedText, type Pool } from "./pool.ts";

interface FreezeRow {
  id: number;
  environment: string | null;
  reason: string;
  declared_by: string;
  declared_at: Date;
  starts_at: Date;
  ends_at: Date;
  lifted_at: Date | null;
  lifted_by: string | null;
  lift_reason: string | null;
}

/** When a deploy began and ended. */
export interface PastDeployTimes {
  startedAt: Date;
  endedAt?: Date;
}

/** How many deploys of the past a limit on deploys looks at: more than the most that it may allow. */
const MAX_DEPLOYS = 1_001;

/** Declared freezes that are neither lifted nor over, of an environment with those of all environments; by their start. */
export async function openFreezes(
  pool: Pool,
  project: string,
  environment: string | undefined,
): Promise<DeclaredFreeze[]> {
  const rows = await query<FreezeRow>(
    pool,
    `select * from tminus.freeze
     where project = $1 and ($2::text is null or environment is null or environment = $2)
       and lifted_at is null and ends_at > clock_timestamp()
     order by starts_at, id`,
    [project, environment ?? null],
  );
  return rows.map(toFreeze);
}

/** The new freeze. Wakes runs that wait. */
export async function declareFreeze(
  pool: Pool,
  project: string,
  { environment, reason, from, until }: NewFreeze,
  actor: string,
): Promise<DeclaredFreeze> {
  const [made] = await query<{ id: number }>(
    pool,
    "select tminus.declare_freeze($1, $2, $3, $4, $5, $6) as id",
    [project, environment ?? null, storedText(reason), storedText(actor), from, until],
  );
  const [row] = await query<FreezeRow>(pool, "select * from tminus.freeze where id = $1", [made!.id]);
  return toFreeze(row!);
}

/** False when somebody else has lifted it already. Wakes runs that wait. */
export async function liftFreeze(pool: Pool, id: number, actor: string, reason: string): Promise<boolean> {
  const [row] = await query<{ lifted: boolean }>(pool, "select tminus.lift_freeze($1, $2, $3) as lifted", [
    id,
    storedText(actor),
    storedText(reason),
  ]);
  return row?.lifted === true;
}

/** When deploys of the environment began and ended, newest first; those that never began are left out. */
export async function pastDeploys(
  pool: Pool,
  project: string,
  environment: string,
): Promise<PastDeployTimes[]> {
  const rows = await query<{ started_at: Date; ended_at: Date | null }>(
    pool,
    `select started_at, ended_at from tminus.run
     where project = $1 and environment = $2 and started_at is not null and purpose = 'deploy'
     order by created_at desc limit $3`,
    [project, environment, MAX_DEPLOYS],
  );
  return rows.map(({ started_at: startedAt, ended_at: endedAt }) => ({
    startedAt,
    ...(endedAt === null ? {} : { endedAt }),
  }));
}

function toFreeze(row: FreezeRow): DeclaredFreeze {
  const { environment, lifted_at: at, lifted_by: by, lift_reason: why } = row;
  return {
    id: row.id,
    ...(environment === null ? {} : { environment }),
    reason: row.reason,
    by: row.declared_by,
    at: row.declared_at,
    from: row.starts_at,
    until: row.ends_at,
    ...(at === null || by === null || why === null ? {} : { lifted: { by, at, reason: why } }),
  };
}
