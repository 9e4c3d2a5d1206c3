import type { JsonObject, Json } from "./json.ts";
import type {
  Attempt,
  EndState,
  EventType,
  Lease,
  NewerPlan,
  Phase,
  Run,
  RunOutcome,
  RunState,
  RunVerdict,
} from "./run.ts";
import type { RunTask } from "./follow-up.ts";
import type { EnvironmentLock, NewLock } from "./lock.ts";
import type { Signal } from "./signal.ts";
import type { WaitingFor } from "./step-kind.ts";
import type { ErrorRecord } from "../errors.ts";

/** What an execution may write with: refused with LEASE_LOST as soon as a newer execution has taken the run. */
export interface Execution {
  runId: string;
  token: number;
}

export type LeaseAnswer =
  | { state: "taken"; token: number }
  /** `holder` is the run that has the environment, or that waits in front of this one. */
  | { state: "held"; holder: string };

export interface RunPatch {
  state?: RunState;
  verdict?: RunVerdict;
  waitingFor?: (WaitingFor & { stepId?: string }) | null;
  /** Sets startedAt to the database's time, once. */
  started?: true;
  /** Sets zeroAt to the database's time, once. */
  zero?: true;
  /** Sets zeroAt to this time, ISO 8601, once. */
  zeroAt?: string;
}

/**
 * The engine's view of the store. Each write is one transaction that also appends the event; each fenced
 * write throws LEASE_LOST when the execution is no longer the newest.
 */
export interface Journal {
  run(runId: string): Promise<Run>;
  /** Ids of runs that have not ended, oldest first. */
  unendedRuns(): Promise<string[]>;
  /** In order of begin. */
  attempts(runId: string): Promise<Attempt[]>;
  takeLease(runId: string, worker: string): Promise<LeaseAnswer>;
  /** Tells that the execution is alive. False when it no longer holds the environment. */
  heartbeat(execution: Execution): Promise<boolean>;
  record(execution: Execution, type: EventType, data: JsonObject, patch?: RunPatch): Promise<void>;
  /** For runs that do not hold the environment yet. */
  recordQueued(runId: string, data: JsonObject, waitingFor: WaitingFor | null): Promise<void>;
  /** Ends a run that never held the environment. Does nothing when it has taken it meanwhile. */
  endQueued(runId: string, data: JsonObject): Promise<void>;
  /** The number of the new attempt. For "act" the intent is certain to survive a crash of the server only once it is marked. */
  beginAttempt(execution: Execution, stepId: string, phase: Phase, data: JsonObject): Promise<number>;
  /**
   * Says that the effect is about to be brought about. An attempt without this mark changed nothing. Throws
   * STATE_UNAVAILABLE when the attempt is not in the journal, as does endAttempt.
   */
  markActed(execution: Execution, stepId: string, phase: Phase, number: number): Promise<void>;
  endAttempt(execution: Execution, attempt: AttemptEnd): Promise<void>;
  /** Ends the run and frees the environment; with `lock` it is locked, and `tasks` are opened, in the same transaction. */
  endRun(
    execution: Execution,
    outcome: RunOutcome,
    endState: EndState,
    data: JsonObject,
    lock?: NewLock,
    tasks?: readonly RunTask[],
  ): Promise<void>;
  /** Says that the head of the project's log could not be written down outside. Not fenced: the run may have ended. */
  recordUnanchored(runId: string, data: JsonObject): Promise<void>;
  /** Oldest first, from the start of the run. */
  signals(runId: string): Promise<Signal[]>;
  /** Calls back after each new signal of the run, and once after a lost connection was restored. */
  onSignal(runId: string, listener: () => void): () => void;
  /** Calls back when any run was created or ended. */
  onRun(listener: () => void): () => void;
  lease(project: string, environment: string): Promise<Lease | undefined>;
  /** The open lock of an environment. */
  lock(project: string, environment: string): Promise<EnvironmentLock | undefined>;
  /** The newest lock, open or not, of a run that took traffic away from this release by itself. */
  lastRollbackOf(project: string, environment: string, release: string): Promise<EnvironmentLock | undefined>;
  /** Other plans of the run's release for its environment, of deploys that were started after it; oldest first. */
  newerPlans(runId: string): Promise<NewerPlan[]>;
  loadState(runId: string, stepId: string): Promise<Json | undefined>;
  saveState(execution: Execution, stepId: string, state: Json): Promise<void>;
  /** What a step kept as evidence in its ended attempts: name → SHA-256, the newest of each name. */
  evidenceOf(runId: string, stepId: string): Promise<Record<string, string>>;
  /** Idempotent; returns the content's SHA-256. */
  saveEvidence(content: string): Promise<string>;
}

export interface AttemptEnd {
  stepId: string;
  phase: Phase;
  number: number;
  state: "done" | "failed";
  reason: string;
  result?: JsonObject;
  error?: ErrorRecord;
  type: EventType;
  data: JsonObject;
}
