import type { ErrorCode } from "../error-codes.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Actor } from "./actor.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Plan } from "./plan.ts";
import type { WaitingFor } from "./step-kind.ts";

/** queued → running ⇄ waiting / held → (rolling-back) → ended. */
export type RunState = "queued" | "running" | "waiting" | "held" | "rolling-back" | "ended";

/**
 * succeeded: the plan was carried out and the end state verified.
 * rolled-back: something failed or a person asked, and everything was undone and seen to be good.
 * stopped: a person stopped it; what had been done was undone.
 * failed: it ended without success and without a rollback (policy, or nothing to undo); see endState.
 * rollback-failed: at least one compensation failed, or the service was not good afterwards.
 */
export type RunOutcome = "succeeded" | "rolled-back" | "stopped" | "failed" | "rollback-failed";

/** Why a run stopped going forward. Journaled before anything is undone. */
export interface RunVerdict {
  decision: "roll-back" | "stop" | "fail";
  reason: string;
  /** Set when an error of the table says more than the outcome does. */
  code?: ErrorCode;
  /** The step that failed, when one did. */
  stepId?: string;
  /** Who decided: "tminus", or the person who asked. */
  by: string;
  at: string;
}

/** What the world was seen to be when the run ended, by asking the public URL. */
export interface EndState {
  verdict: "verified" | "contradicted" | "unknown";
  /** The release that answered, when one did. */
  release?: string;
  reason: string;
  at: string;
}

export interface Run {
  id: string;
  environment: string;
  plan: Plan;
  state: RunState;
  outcome?: RunOutcome;
  verdict?: RunVerdict;
  endState?: EndState;
  waitingFor?: WaitingFor & { stepId?: string };
  createdAt: Date;
  createdBy: string;
  /** The same person, and how it is known who that is. */
  starter: Actor;
  startedAt?: Date;
  /** T-0: as it was scheduled, or as it came about by the first step that has a moment. */
  zeroAt?: Date;
  endedAt?: Date;
}

/** Another plan of a run's release, of a run into the same environment that was started later. */
export interface NewerPlan {
  runId: string;
  startedAt: Date;
  hasEnded: boolean;
}

export type Phase = "act" | "undo";

export interface Attempt {
  runId: string;
  stepId: string;
  phase: Phase;
  /** 1 for the first. */
  number: number;
  /** begun without an end: it was interrupted, and its effect must be looked up. */
  state: "begun" | "done" | "failed";
  /** Whether the effect was, or may have been, brought about: set, fenced, right before act. */
  acted: boolean;
  reason?: string;
  result?: JsonObject;
  error?: ErrorRecord;
  begunAt: Date;
  endedAt?: Date;
}

/** One line of a run's history. Hash-chained: each hash covers the one before. */
export interface RunEvent {
  runId: string;
  /** 1, 2, 3 … without gaps. */
  sequence: number;
  at: Date;
  type: EventType;
  actor: string;
  data: { [key: string]: Json };
  hash: string;
}

export const eventTypes = [
  "run.created",
  "run.queued",
  "run.taken",
  "run.started",
  "run.held",
  "run.resumed",
  "run.zero",
  "run.verdict",
  "run.cure",
  "run.paged",
  "run.ended",
  "run.unlocked",
  "run.unanchored",
  "stage.started",
  "stage.ended",
  "step.begun",
  "step.late",
  "step.observed",
  "step.waiting",
  "step.continued",
  "step.progress",
  "step.done",
  "step.failed",
  "step.parked",
  "undo.begun",
  "undo.done",
  "undo.failed",
  "undo.skipped",
  "signal.received",
] as const;

export type EventType = (typeof eventTypes)[number];

/** One holder per environment. `worker` executes; the run keeps the environment until it ends. */
export interface Lease {
  environment: string;
  runId: string;
  token: number;
  worker: string;
  acquiredAt: Date;
  heartbeatAt: Date;
}
