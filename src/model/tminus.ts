import type { Attempt, Lease, Run, RunEvent } from "./run.ts";
import type { Plan } from "./plan.ts";
import type { SignalBody } from "./signal.ts";
import type { Observed } from "./verdict.ts";
import type { TrafficState } from "./ports.ts";

/**
 * Everything that the command line and the server can ask for, wired by compose.ts. Each method may throw
 * STATE_UNAVAILABLE; other codes are named where they can happen.
 */
export interface Tminus {
  readonly project: string;
  readonly environments: string[];
  /** Makes a plan and changes nothing. A blocked plan is returned, with the reasons in `blocked` and `gates`. Errors: ENVIRONMENT_UNKNOWN, SECRET_MISSING. */
  plan(request: PlanRequest): Promise<Plan>;
  /** Makes the plan again and compares. Throws PLAN_STALE naming every input that moved, in details.moved. */
  checkPlan(plan: Plan, signal: AbortSignal): Promise<void>;
  /**
   * Writes the run and its first event in one transaction and sees to it that a worker is there.
   * Errors: PLAN_BLOCKED.
   */
  start(plan: Plan, startedBy: string): Promise<Run>;
  /**
   * Starts a detached worker when none is alive. Does nothing when one works on this database already, or when
   * TMINUS_START_WORKER is 0 because workers are run elsewhere.
   */
  ensureWorker(): Promise<void>;
  /** By full id, or any unambiguous beginning of one; without an id the newest run (of the environment). Errors: RUN_UNKNOWN. */
  findRun(id: string | undefined, environment?: string): Promise<Run>;
  /** Newest first. */
  runs(filter: { environment?: string; limit: number }): Promise<Run[]>;
  /** In the order in which they began. */
  attempts(runId: string): Promise<Attempt[]>;
  /** Rising by sequence, those after `after` (0 for all). */
  events(runId: string, after: number): Promise<RunEvent[]>;
  /** Yields events as they are written, starting after `after`; ends after run.ended or when `signal` aborts. */
  follow(runId: string, after: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** Appends a signal. Errors: RUN_ENDED, RUN_NOT_WAITING (approve, reject, attest, resolve of a step that does not wait for it), APPROVAL_REFUSED. */
  send(runId: string, body: SignalBody, actor: string): Promise<void>;
  /**
   * What rolling the run back would do and lose now, in the order in which it would happen; only what the run
   * has begun. When `signal` aborts, what was not found out by then is unknown. Reads only. Errors: RUN_UNKNOWN,
   * SECRET_MISSING.
   */
  previewRollback(runId: string, signal: AbortSignal): Promise<RollbackLine[]>;
  lease(environment: string): Promise<Lease | undefined>;
  evidence(sha256: string): Promise<string | undefined>;
  /** One per environment of the runbook, or the one named. */
  status(environment?: string): Promise<EnvironmentStatus[]>;
  doctor(signal: AbortSignal): Promise<DoctorCheck[]>;
  close(): Promise<void>;
}

export interface PlanRequest {
  environment: string;
  release: string;
  purpose: "deploy" | "rollback";
  signal: AbortSignal;
  /** Told what is being looked at, for display. */
  progress: (text: string) => void;
}

/** What a rollback would do about one step of a run. */
export interface RollbackLine {
  stepId: string;
  title: string;
  /**
   * keep: its effect stays by design. refuse: undoing it would fail as the world is now.
   * unknown: it would be undone, but what that loses could not be found out.
   */
  what: "undo" | "keep" | "refuse" | "unknown";
  text: string;
  /** Rows that hold what would be lost; null when it is not known. */
  rowsLost: number | null;
}

export interface EnvironmentStatus {
  environment: string;
  url: string;
  /** As the target says it right now. */
  traffic: Observed<TrafficState>;
  /** The run that holds or waits for the environment, oldest first. */
  active: Run[];
  /** The last run that ended. */
  last?: Run;
  lease?: Lease;
}

export interface DoctorCheck {
  id: string;
  verdict: "pass" | "fail" | "unknown";
  text: string;
  fix?: string;
}
