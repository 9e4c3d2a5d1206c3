import { TminusError } from "../errors.ts";
import { actorRecord } from "../model/actor-text.ts";
import { uncheckedActor, type Actor } from "../model/actor.ts";
import type { Attempt, Lease, NewerPlan, Run, RunEvent } from "../model/run.ts";
import type { Json } from "../model/json.ts";
import { planSchema, type Plan } from "../model/plan.ts";
import type { SignalBody } from "../model/signal.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";
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
  /** How that is known; a name that nobody has checked when left out. */
  starter?: Actor;
}

/** Writes the run and its first event in one transaction. */
export async function createRun(pool: Pool, run: NewRun): Promise<void> {
  const { id, plan, context, startedBy, starter = uncheckedActor(startedBy) } = run;
  const by = actorRecord(starter);
  const data = { environment: plan.environment.name, release: plan.release, plan: plan.hash, by };
  await query(pool, "select tminus.create_run_as($1, $2, $3, $4, $5, $6, $7, $8, $9)", [
    id,
    plan.environment.name,
    plan.project,
    JSON.stringify(plan),
    plan.hash,
    storedJson(context),
    startedBy,
    storedJson(data),
    storedJson(starter),
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
export interface RunPlace {
  project?: string;
  environment?: string;
}

/** By full id or unambiguous beginning; without one the newest of those meant. Errors: RUN_UNKNOWN. */
export async function findRun(pool: Pool, id: string | undefined, place: RunPlace = {}): Promise<Run> {
  const named = id === undefined ? undefined : await readRun(pool, storedText(id), place);
  return named ?? (await readRun(pool, await findRunId(pool, id, place), place))!; // runs are never removed
}

async function readRun(pool: Pool, id: string, place: RunPlace): Promise<Run | undefined> {
  const { environment = null, project = null } = place;
  const [row] = await query<RunRow>(
    pool,
    `select ${runColumns} from tminus.run
     where id = $1 and ($2::text is null or environment = $2) and ($3::text is null or project = $3)`,
    [id, environment, project],
  );
  return row === undefined ? undefined : toRun(row);
}

/** The full id of the same run, which is cheaper. Errors: RUN_UNKNOWN. */
export async function findRunId(
  pool: Pool,
  id: string | undefined,
  { project, environment }: RunPlace = {},
): Promise<string> {
  const place = [environment ?? null, project ?? null];
  const isThere = "($1::text is null or environment = $1) and ($2::text is null or project = $2)";
  // In the order of bytes an id is before those that it is the beginning of.
  const rows = await (id === undefined
    ? query<{ id: string }>(
        pool,
        `select id from tminus.run where ${isThere} order by created_at desc, id desc limit 1`,
        place,
      )
    : query<{ id: string }>(
        pool,
        `select id from tminus.run where id like $3 and ${isThere} order by id using ~<~ limit 2`,
        [...place, `${storedText(id).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`],
      ));
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
  return first.id;
}

/** See Journal.newerPlans. */
export async function newerPlans(pool: Pool, runId: string): Promise<NewerPlan[]> {
  const rows = await query<{ id: string; created_at: Date; has_ended: boolean }>(
    pool,
    `select r.id, r.created_at, r.ended_at is not null as has_ended
     from tminus.run r join tminus.run me
       on me.id = $1 and r.project = me.project and r.environment = me.environment
       and r.created_at >= me.created_at and r.plan_hash <> me.plan_hash
     where r.release = me.release and r.purpose = 'deploy'
     order by r.created_at, r.id`,
    [runId],
  );
  return rows.map((row) => ({ runId: row.id, startedAt: row.created_at, hasEnded: row.has_ended }));
}

/** The newest plan of the run's release for its environment that somebody approved and that is another one. */
export async function lastApprovedPlan(pool: Pool, runId: string): Promise<ApprovedPlan | undefined> {
  const [row] = await query<{ run_id: string; plan: string; actor: string; at: Date }>(
    pool,
    `select r.id as run_id, r.plan, s.actor, s.at
     from tminus.run me
       join tminus.run r on r.project = me.project and r.environment = me.environment and r.plan_hash <> me.plan_hash
       join tminus.signal s on s.run_id = r.id and s.body ->> 'kind' = 'approve'
     where me.id = $1 and r.release = me.release
     order by s.id desc limit 1`,
    [runId],
  );
  if (row === undefined) return undefined;
  return { runId: row.run_id, by: row.actor, at: row.at, plan: planSchema.parse(JSON.parse(row.plan)) };
}

export interface ApprovedPlan {
  runId: string;
  by: string;
  at: Date;
  plan: Plan;
}

export async function listAttempts(pool: Pool, runId: string): Promise<Attempt[]> {
  const rows = await query<AttemptRow>(
    pool,
    "select * from tminus.attempt where run_id = $1 order by begun_at, phase, number",
    [runId],
  );
  return rows.map(toAttempt);
}

const EVENT_PAGE = 10_000;

/** Rising by sequence, all those after `after`. */
export async function allEvents(pool: Pool, runId: string, after: number): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for (;;) {
    const page = await listEvents(pool, runId, all.at(-1)?.sequence ?? after);
    all.push(...page);
    if (page.length < EVENT_PAGE) return all;
  }
}

/** Rising by sequence, those after `after`, at most 10,000. */
export async function listEvents(pool: Pool, runId: string, after: number): Promise<RunEvent[]> {
  const rows = await query<EventRow>(
    pool,
    "select * from tminus.event where run_id = $1 and sequence > $2 order by sequence limit $3",
    [runId, after, EVENT_PAGE],
  );
  return rows.map(toEvent);
}

/** Of all runs of a project, from an instant on; those of one run rise by sequence. */
export async function listEventsSince(pool: Pool, project: string, from: Date): Promise<RunEvent[]> {
  const rows = await query<EventRow>(
    pool,
    `select e.* from tminus.event e join tminus.run r on r.id = e.run_id
     where e.at >= $2 and r.project = $1 order by e.at, e.run_id, e.sequence limit 10000`,
    [project, from],
  );
  return rows.map(toEvent);
}

/** Items of the step that somebody has attested. */
export async function attestedItems(pool: Pool, runId: string, stepId: string): Promise<string[]> {
  const rows = await query<{ item: string }>(
    pool,
    `select distinct body ->> 'item' as item from tminus.signal
     where run_id = $1 and body ->> 'kind' = 'attest' and body ->> 'stepId' = $2`,
    [runId, stepId],
  );
  return rows.map(({ item }) => item);
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

/** What the last attempt of a step that ended kept as evidence: name → SHA-256. */
export async function lastEvidenceOf(
  pool: Pool,
  runId: string,
  stepId: string,
): Promise<Record<string, string>> {
  const [row] = await query<{ evidence: Record<string, string> | null }>(
    pool,
    `select data::jsonb -> 'evidence' as evidence from tminus.event
     where run_id = $1 and type in ('step.done', 'step.failed') and data::jsonb ->> 'stepId' = $2
     order by sequence desc limit 1`,
    [runId, stepId],
  );
  return row?.evidence ?? {};
}

/** What a step keeps of itself while it goes on. */
export async function readStepState(pool: Pool, runId: string, stepId: string): Promise<Json | undefined> {
  const [row] = await query<{ state: Json }>(
    pool,
    "select state from tminus.step_state where run_id = $1 and step_id = $2",
    [runId, stepId],
  );
  return row?.state;
}

/** `identity`: how it is known who `actor` is; a name that nobody has checked when left out. Errors: RUN_ENDED. */
export async function sendSignal(
  pool: Pool,
  runId: string,
  actor: string,
  body: SignalBody,
  identity: Actor = uncheckedActor(actor),
): Promise<void> {
  await query(pool, "select tminus.send_signal_as($1, $2, $3, $4, $5)", [
    runId,
    actor,
    storedJson(body),
    storedJson({ ...body, by: actorRecord(identity) }),
    storedJson(identity),
  ]);
}
