import { TminusError } from "../errors.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { AttemptEnd, Execution, Journal, LeaseAnswer, RunPatch } from "../model/journal.ts";
import type { Attempt, EndState, EventType, Run, RunOutcome } from "../model/run.ts";
import type { Signal } from "../model/signal.ts";
import { keepEvidence } from "./evidence.ts";
import { lastRollbackOf, readLock } from "./locks.ts";
import type { Notifications } from "./notifications.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";
import { newerPlans, readLease, readStepState } from "./runs.ts";
import {
  runColumns,
  signalColumns,
  toAttempt,
  toRun,
  toSignal,
  type AttemptRow,
  type RunRow,
  type SignalRow,
} from "./rows.ts";

/** The engine's journal on Postgres. See migrations/0001_init.sql for what each call does in its transaction. */
export function openJournal(pool: Pool, notifications: Notifications): Journal {
  return {
    run: (runId) => readRun(pool, runId),

    async unendedRuns() {
      const rows = await query<{ id: string }>(
        pool,
        "select id from tminus.run where ended_at is null order by created_at, id",
      );
      return rows.map((row) => row.id);
    },

    async attempts(runId): Promise<Attempt[]> {
      const rows = await query<AttemptRow>(
        pool,
        "select * from tminus.attempt where run_id = $1 order by begun_at, phase, number",
        [runId],
      );
      return rows.map(toAttempt);
    },

    async takeLease(runId, worker): Promise<LeaseAnswer> {
      const [row] = await query<{ token: number | null; holder: string | null }>(
        pool,
        "select token, holder from tminus.take_lease($1, $2)",
        [runId, worker],
      );
      if (typeof row?.token === "number") return { state: "taken", token: row.token };
      if (typeof row?.holder === "string") return { state: "held", holder: row.holder };
      throw new TminusError("INTERNAL", "take_lease answered neither a token nor a holder");
    },

    async heartbeat({ runId, token }) {
      const rows = await query(
        pool,
        "update tminus.environment_lease set heartbeat_at = clock_timestamp() where run_id = $1 and token = $2 returning 1",
        [runId, token],
      );
      return rows.length === 1;
    },

    async record({ runId, token }: Execution, type: EventType, data: JsonObject, patch: RunPatch = {}) {
      await query(pool, "select tminus.record($1, $2, $3, $4, $5)", [
        runId,
        token,
        type,
        storedJson(data),
        storedJson(patch),
      ]);
    },

    async recordQueued(runId, data, waitingFor) {
      await query(pool, "select tminus.queue_run($1, $2, $3)", [
        runId,
        storedJson(data),
        waitingFor === null ? null : storedJson(waitingFor),
      ]);
    },

    async endQueued(runId, data) {
      await query(pool, "select tminus.end_queued_run($1, $2)", [runId, storedJson(data)]);
    },

    async beginAttempt({ runId, token }, stepId, phase, data) {
      const type: EventType = phase === "act" ? "step.begun" : "undo.begun";
      const [row] = await query<{ number: number }>(
        pool,
        "select tminus.begin_attempt($1, $2, $3, $4, $5, $6) as number",
        [runId, token, stepId, phase, type, storedJson(data)],
      );
      return row!.number;
    },

    async markActed({ runId, token }, stepId, phase, number) {
      await query(pool, "select tminus.mark_acted($1, $2, $3, $4, $5)", [
        runId,
        token,
        stepId,
        phase,
        number,
      ]);
    },

    async endAttempt({ runId, token }, end: AttemptEnd) {
      await query(pool, "select tminus.end_attempt($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", [
        runId,
        token,
        end.stepId,
        end.phase,
        end.number,
        end.state,
        storedText(end.reason),
        jsonOrNull(end.result),
        jsonOrNull(end.error),
        end.type,
        storedJson(end.data),
      ]);
    },

    async endRun(
      { runId, token },
      outcome: RunOutcome,
      endState: EndState,
      data: JsonObject,
      lock,
      tasks = [],
    ) {
      await query(pool, "select tminus.end_run($1, $2, $3, $4, $5, $6, $7)", [
        runId,
        token,
        outcome,
        storedJson(endState),
        storedJson(data),
        jsonOrNull(lock),
        storedJson(tasks.map((task) => ({ evidence: "none", ...task }))),
      ]);
    },

    async recordUnanchored(runId, data) {
      await query(pool, "select tminus.record_unanchored($1, $2)", [runId, storedJson(data)]);
    },

    async signals(runId): Promise<Signal[]> {
      const rows = await query<SignalRow>(
        pool,
        `select ${signalColumns} from tminus.signal where run_id = $1 order by id`,
        [runId],
      );
      return rows.map(toSignal);
    },

    onSignal: (runId, listener) =>
      notifications.subscribe("tminus_signal", (payload) => {
        if (payload === runId || payload === "") listener();
      }),

    onRun: (listener) => notifications.subscribe("tminus_run", listener),
    lease: (project, environment) => readLease(pool, project, environment),
    lock: (project, environment) => readLock(pool, project, environment),
    lastRollbackOf: (project, environment, release) => lastRollbackOf(pool, project, environment, release),

    newerPlans: (runId) => newerPlans(pool, runId),
    loadState: (runId, stepId) => readStepState(pool, runId, stepId),

    async saveState({ runId, token }, stepId: string, state: Json) {
      await query(pool, "select tminus.save_step_state($1, $2, $3, $4)", [
        runId,
        token,
        stepId,
        storedJson(state),
      ]);
    },

    async evidenceOf(runId, stepId) {
      const rows = await query<{ evidence: Record<string, string> }>(
        pool,
        `select data::jsonb -> 'evidence' as evidence from tminus.event
         where run_id = $1 and type in ('step.done', 'step.failed') and data::jsonb ->> 'stepId' = $2
         order by sequence`,
        [runId, stepId],
      );
      return Object.assign({}, ...rows.map(({ evidence }) => evidence)) as Record<string, string>;
    },

    saveEvidence: (text) => keepEvidence(pool, { content: text, mediaType: "text/plain" }),
  };
}

/** Errors: RUN_UNKNOWN. */
export async function readRun(pool: Pool, runId: string): Promise<Run> {
  const [row] = await query<RunRow>(pool, `select ${runColumns} from tminus.run where id = $1`, [runId]);
  if (row === undefined) throw new TminusError("RUN_UNKNOWN", `there is no run ${runId}`);
  return toRun(row);
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : storedJson(value);
}
