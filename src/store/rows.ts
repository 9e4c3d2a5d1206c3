import type { ErrorRecord } from "../errors.ts";
import { actorSchema, uncheckedActor } from "../model/actor.ts";
import type { JsonObject } from "../model/json.ts";
import { planSchema } from "../model/plan.ts";
import type {
  Attempt,
  EndState,
  EventType,
  Lease,
  Phase,
  Run,
  RunEvent,
  RunOutcome,
  RunState,
  RunVerdict,
} from "../model/run.ts";
import { signalBodySchema, type Signal } from "../model/signal.ts";

/** Rows as the driver gives them, and how each becomes a noun of the model. */

/** What is known of a run beside its plan. */
export interface RunFactsRow {
  id: string;
  environment: string;
  state: RunState;
  outcome: RunOutcome | null;
  verdict: RunVerdict | null;
  end_state: EndState | null;
  waiting_for: NonNullable<Run["waitingFor"]> | null;
  created_at: Date;
  created_by: string;
  started_at: Date | null;
  zero_at: Date | null;
  ended_at: Date | null;
}

export interface RunRow extends RunFactsRow {
  plan: string;
  starter: unknown;
}

export const runColumns =
  "id, environment, plan, state, outcome, verdict, end_state, waiting_for, created_at, created_by, (select identity from tminus.run_starter where run_id = run.id) as starter, started_at, zero_at, ended_at";

export function toRun(row: RunRow): Run {
  return {
    ...runFacts(row),
    plan: planSchema.parse(JSON.parse(row.plan)),
    starter: row.starter === null ? uncheckedActor(row.created_by) : actorSchema.parse(row.starter),
  };
}

export function runFacts(row: RunFactsRow): Omit<Run, "plan" | "starter"> {
  return {
    id: row.id,
    environment: row.environment,
    state: row.state,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.verdict === null ? {} : { verdict: row.verdict }),
    ...(row.end_state === null ? {} : { endState: row.end_state }),
    ...(row.waiting_for === null ? {} : { waitingFor: row.waiting_for }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.zero_at === null ? {} : { zeroAt: row.zero_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

export interface AttemptRow {
  run_id: string;
  step_id: string;
  phase: Phase;
  number: number;
  state: Attempt["state"];
  acted: boolean;
  reason: string | null;
  result: JsonObject | null;
  error: ErrorRecord | null;
  begun_at: Date;
  ended_at: Date | null;
}

export function toAttempt(row: AttemptRow): Attempt {
  return {
    runId: row.run_id,
    stepId: row.step_id,
    phase: row.phase,
    number: row.number,
    state: row.state,
    acted: row.acted,
    begunAt: row.begun_at,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.result === null ? {} : { result: row.result }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

export interface EventRow {
  run_id: string;
  sequence: number;
  at: Date;
  type: EventType;
  actor: string;
  data: string;
  hash: string;
}

export function toEvent(row: EventRow): RunEvent {
  const { run_id: runId, sequence, at, type, actor, hash } = row;
  return { runId, sequence, at, type, actor, data: JSON.parse(row.data) as JsonObject, hash };
}

export interface SignalRow {
  id: number;
  run_id: string;
  at: Date;
  actor: string;
  body: unknown;
  identity: unknown;
}

export const signalColumns =
  "id, run_id, at, actor, body, (select identity from tminus.signal_sender where signal_id = signal.id) as identity";

export function toSignal(row: SignalRow): Signal {
  return {
    id: row.id,
    runId: row.run_id,
    at: row.at,
    actor: row.actor,
    identity: row.identity === null ? uncheckedActor(row.actor) : actorSchema.parse(row.identity),
    body: signalBodySchema.parse(row.body),
  };
}

export interface LeaseRow {
  environment: string;
  run_id: string;
  token: number;
  worker: string;
  acquired_at: Date;
  heartbeat_at: Date;
}

export function toLease(row: LeaseRow): Lease {
  return {
    environment: row.environment,
    runId: row.run_id,
    token: row.token,
    worker: row.worker,
    acquiredAt: row.acquired_at,
    heartbeatAt: row.heartbeat_at,
  };
}
