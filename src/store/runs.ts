import { TminusError } from "../errors.ts";
import type { Attempt, Lease, Run, RunEvent } from "../model/run.ts";
import type { Plan } from "../model/plan.ts";
import type { SignalBody } from "../model/signal.ts";
import { query, storedJson, type Pool } from "./pool.ts";
import {
  runColumns,
  toAttempt,
  toEvent,
  toLease,
  toRun,
  type AttemptRow,
  type EventRow,
  type LeaseRow,
  type RunRow,
} from "./rows.ts";

/** What people and programs ask of the journal from outside an execution. */

export interface NewRun {
  id: string;
  plan: Plan;
  /** What a worker needs to execute the plan wherever it runs; references only, no secret values. */
  context: object;
  startedBy: string;
}

/** Writes the run and its first event in one transaction. */
export async function createRun(pool: Pool, run: NewRun): Promise<void> {
  const { id, plan, context, startedBy } = run;
  const data = { environment: plan.environment.name, release: plan.release, plan: plan.hash };
  await query(pool, "select tminus.create_run($1, $2, $3, $4, $5, $6, $7, $8)", [
    id,
    plan.environment.name,
    plan.project,
    JSON.stringify(plan),
    plan.hash,
    storedJson(context),
    startedBy,
    storedJson(data),
  ]);
}

export async function readRunContext(pool: Pool, runId: string): Promise<unknown> {
  const [row] = await query<{ context: unknown }>(pool, "select context from tminus.run where id = $1", [
    runId,
  ]);
  if (row === undefined) throw new TminusError("RUN_UNKNOWN", `there is no run ${runId}`);
  return row.context;
}

/** Which runs are meant. A state server may hold those of several projects: only tests leave the project out. */
export interface RunFilter {
  project?: string;
  environment?: string;
}

/** By full id or unambiguous beginning; without one the newest of those meant. Errors: RUN_UNKNOWN. */
export async function findRun(
  pool: Pool,
  id: string | undefined,
  { project, environment }: RunFilter = {},
): Promise<Run> {
  const rows = await query<RunRow>(
    pool,
    `select ${runColumns} from tminus.run
     where ($1::text is null or starts_with(id, $1)) and ($2::text is null or environment = $2)
       and ($3::text is null or project = $3)
     order by (id = $1) desc, created_at desc, id desc limit 2`,
    [id ?? null, environment ?? null, project ?? null],
  );
  const [first, second] = rows;
  if (first === undefined) {
    throw new TminusError("RUN_UNKNOWN", id === undefined ? "there is no run yet" : `there is no run ${id}`);
  }
  if (id !== undefined && first.id !== id && second !== undefined) {
    throw new TminusError(
      "RUN_UNKNOWN",
      `${id} is the beginning of more than one run: ${first.id}, ${second.id}`,
    );
  }
  return toRun(first);
}

/** Newest first. */
export async function listRuns(
  pool: Pool,
  { project, environment }: RunFilter,
  limit: number,
): Promise<Run[]> {
  const rows = await query<RunRow>(
    pool,
    `select ${runColumns} from tminus.run where ($1::text is null or environment = $1)
       and ($2::text is null or project = $2)
     order by created_at desc, id desc limit $3`,
    [environment ?? null, project ?? null, limit],
  );
  return rows.map(toRun);
}

export async function listAttempts(pool: Pool, runId: string): Promise<Attempt[]> {
  const rows = await query<AttemptRow>(
    pool,
    "select * from tminus.attempt where run_id = $1 order by begun_at, phase, number",
    [runId],
  );
  return rows.map(toAttempt);
}

/** Rising by sequence, those after `after`, at most 10,000. */
export async function listEvents(pool: Pool, runId: string, after: number): Promise<RunEvent[]> {
  const rows = await query<EventRow>(
    pool,
    "select * from tminus.event where run_id = $1 and sequence > $2 order by sequence limit 10000",
    [runId, after],
  );
  return rows.map(toEvent);
}

export async function readLease(
  pool: Pool,
  project: string,
  environment: string,
): Promise<Lease | undefined> {
  const [row] = await query<LeaseRow>(
    pool,
    "select * from tminus.environment_lease where project = $1 and environment = $2 and run_id is not null",
    [project, environment],
  );
  return row === undefined ? undefined : toLease(row);
}

export async function readEvidence(pool: Pool, hash: string): Promise<string | undefined> {
  const [row] = await query<{ content: string }>(
    pool,
    "select content from tminus.evidence where sha256 = $1",
    [hash],
  );
  return row?.content;
}

/** Errors: RUN_ENDED. */
export async function sendSignal(pool: Pool, runId: string, actor: string, body: SignalBody): Promise<void> {
  await query(pool, "select tminus.send_signal($1, $2, $3, $4)", [
    runId,
    actor,
    storedJson(body),
    storedJson(body),
  ]);
}
