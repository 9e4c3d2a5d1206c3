import type { AnchorReading, AuditRecord } from "./audit.ts";
import type { Actor } from "./actor.ts";
import type { OverdueItem } from "./attestation.ts";
import type { Claim, People } from "./people.ts";
import type { Attempt, Lease, Run, RunEvent } from "./run.ts";
import type { Emergency, NewEmergency } from "./emergency.ts";
import type { Attachment, Evidence, HandedIn } from "./evidence.ts";
import type { FollowUp } from "./follow-up.ts";
import type { DeclaredFreeze, FreezeRequest } from "./freeze.ts";
import type { JsonObject } from "./json.ts";
import type { EnvironmentLock } from "./lock.ts";
import type { MergeBack, MergeBackRequest } from "./merge-back.ts";
import type { NewOverride, Override } from "./override.ts";
import type { Verb } from "./permission.ts";
import type { Plan } from "./plan.ts";
import type { EndedDeploy, RunFilter, RunPage } from "./run-list.ts";
import type { RunTally } from "./run-tally.ts";
import type { SignalBody } from "./signal.ts";
import type { Observed } from "./verdict.ts";
import type { TrafficState } from "./ports.ts";
import type { WatchReport } from "./watch-report.ts";
import type { RequestLog, WebSessions } from "./web-session.ts";
import type { WindowStanding } from "./window-standing.ts";

/**
 * Everything that the command line and the server can ask for, wired by compose.ts. Each method may throw
 * STATE_UNAVAILABLE; other codes are named where they can happen.
 */
export interface Tminus {
  readonly project: string;
  readonly environments: string[];
  /** Where this machine keeps what belongs to the project's runs. */
  readonly stateDirectory: string;
  /** As the runbook has it; without `emergency` where it does not say what is kept of it in one. Errors: ENVIRONMENT_UNKNOWN. */
  environment(name: string): { name: string; protected: boolean; emergency?: object | undefined };
  /**
   * Who acts. A name alone is taken as it is said, without looking anything up. In place of a token there may be a reference to it.
   * Errors: IDENTITY_REFUSED, LOGIN_LOCKED, SECRET_MISSING.
   */
  identify(claim: Claim): Promise<Actor>;
  readonly people: People;
  readonly webSessions: WebSessions;
  readonly requests: RequestLog;
  /** Makes a plan and changes nothing. A blocked plan is returned, with the reasons in `blocked` and `gates`. Errors: ENVIRONMENT_UNKNOWN, SECRET_MISSING. */
  plan(request: PlanRequest): Promise<Plan>;
  /**
   * Makes the plan again and compares. Throws PLAN_STALE naming every input that moved, in details.moved, and
   * ENVIRONMENT_LOCKED.
   */
  checkPlan(plan: Plan, signal: AbortSignal): Promise<void>;
  /**
   * Writes the run and its first event in one transaction and sees to it that a worker is there.
   * Errors: PLAN_BLOCKED, ENVIRONMENT_LOCKED; PLAN_STALE and APPROVAL_REFUSED for what the plan rests on; IDENTITY_REFUSED when nobody has checked who starts what they may not
   * approve; WINDOW_CLOSED unless it may wait for a window with its place in the queue.
   */
  start(plan: Plan, starter: Actor, options?: { waitForWindow: boolean }): Promise<Run>;
  /**
   * Starts a detached worker when none is alive. Does nothing when one works on this database already, or when
   * TMINUS_START_WORKER is 0 because workers are run elsewhere.
   */
  ensureWorker(): Promise<void>;
  /**
   * How the run's plan differs from the newest other one of its release that somebody approved for the environment;
   * undefined when there is none. Errors: RUN_UNKNOWN.
   */
  changesSinceApproval(runId: string): Promise<ApprovedBefore | undefined>;
  /** By full id, or any unambiguous beginning of one; without an id the newest run (of the environment). Errors: RUN_UNKNOWN. */
  findRun(id: string | undefined, environment?: string): Promise<Run>;
  /** Newest first, with their plans. Errors: RUN_UNKNOWN for `before`. */
  runs(filter: RunFilter & { limit: number }): Promise<Run[]>;
  /** Newest first, as cheap for the first page of many runs as of few. Errors: RUN_UNKNOWN for `before`. */
  listRuns(filter: RunFilter & { limit: number }): Promise<RunPage>;
  /** Deploys that have ended since then, the last to end first. */
  endedDeploys(filter: { environment?: string; since: Date; limit: number }): Promise<EndedDeploy[]>;
  /** By environment, those alone into which there was a run; much cheaper than the runs themselves. */
  tallyRuns(): Promise<ReadonlyMap<string, RunTally>>;
  /** Of the environment and not ended, oldest first. Makes no state where there was none: nothing was ever run there. */
  activeRuns(environment: string): Promise<Run[]>;
  /** In the order in which they began. */
  attempts(runId: string): Promise<Attempt[]>;
  /** Rising by sequence, those after `after` (0 for all). */
  events(runId: string, after: number): Promise<RunEvent[]>;
  /** Yields events as they are written, starting after `after`; ends after run.ended or when `signal` aborts. */
  follow(runId: string, after: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /**
   * The events of all runs from now on; with `since` also those from a little before it, some of them perhaps again for
   * whoever had them. Those of one run come in order. Ends when `signal` aborts.
   */
  followAll(since: Date | undefined, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** Appends a signal. Errors: RUN_ENDED, RUN_NOT_WAITING (approve, reject, attest, resolve of a step that does not wait for it), APPROVAL_REFUSED. */
  send(runId: string, body: SignalBody, actor: Actor): Promise<void>;
  /** What speaks against each kind of signal of this person now; a kind that is not named may be sent. */
  refusals(run: Run, actor: Actor): Promise<Partial<Record<SignalBody["kind"], string>>>;
  /**
   * What rolling the run back would do and lose now, in the order in which it would happen; only what the run
   * has begun. When `signal` aborts, what was not found out by then is unknown. Reads only. Errors: RUN_UNKNOWN,
   * SECRET_MISSING.
   */
  previewRollback(runId: string, signal: AbortSignal): Promise<RollbackLine[]>;
  lease(environment: string): Promise<Lease | undefined>;
  /** Why nothing can be deployed into the environment, when it is locked. */
  lock(environment: string): Promise<EnvironmentLock | undefined>;
  /** False when it was unlocked by somebody else meanwhile. */
  unlock(lock: EnvironmentLock, reason: string, actor: Actor): Promise<boolean>;
  /**
   * Refuses whoever may not do that in the environment. The calls that change runs, locks, overrides and tasks ask it themselves.
   * Errors: IDENTITY_REFUSED, PERMISSION_REFUSED.
   */
  permit(actor: Actor, verb: Verb, environment: string): Promise<void>;
  /** Lets a gate pass that does not, for plans made from now on. Errors: USAGE_INVALID. */
  override(request: NewOverride, actor: Actor): Promise<Override>;
  /** Those that hold now, oldest first; of one environment or of all. */
  overrides(environment?: string): Promise<Override[]>;
  /** How many were ended before their time; 0 when the gate was not overridden. */
  endOverrides(environment: string, gate: string, actor: Actor): Promise<number>;
  /**
   * Lets an environment be deployed to at any time, with less asked beforehand. Errors: USAGE_INVALID; IDENTITY_REFUSED
   * and APPROVAL_REFUSED where there are users and it is not one of them who may approve.
   */
  declareEmergency(request: NewEmergency, actor: Actor): Promise<Emergency>;
  /** Those that hold now, oldest first; of one environment or of all. */
  emergencies(environment?: string): Promise<Emergency[]>;
  /** How many were ended before their time. */
  endEmergencies(environment: string, actor: Actor): Promise<number>;
  /** What nobody has closed yet, the first due at the front; of one environment or of all. */
  followUps(environment?: string): Promise<FollowUp[]>;
  /** False when it was closed already. Errors: USAGE_INVALID. */
  closeFollowUp(id: number, said: { note: string; attachment?: Attachment }, actor: Actor): Promise<boolean>;
  /**
   * Proposes the checked-out branch for the branches that lack it; merging is for people. Errors: USAGE_INVALID, GIT_SILENT,
   * SECRET_MISSING.
   */
  mergeBack(request: MergeBackRequest): Promise<MergeBack>;
  /** Errors: WINDOW_CLOSED when no deploy may begin now, CALENDAR_INVALID. Going back may always begin. */
  checkWindow(plan: Plan): Promise<void>;
  /** Errors: WINDOW_CLOSED in a freeze, whatever the windows say. */
  checkFreeze(environment: string): Promise<void>;
  /** What keeps deploys out of an environment now, and when it opens. Errors: CALENDAR_INVALID. */
  windows(environment: string): Promise<EnvironmentWindows>;
  /**
   * Nothing more is deployed until it ends. Errors: USAGE_INVALID for times that are none, or too far away; for every
   * environment that it is about those of permit.
   */
  freeze(request: FreezeRequest, actor: Actor): Promise<DeclaredFreeze>;
  /** Declared freezes that are neither over nor lifted, of all environments or of one. */
  freezes(environment?: string): Promise<DeclaredFreeze[]>;
  /** False when it was lifted by somebody else meanwhile. Errors: for every environment that it is about those of permit. */
  thaw(freeze: DeclaredFreeze, reason: string, actor: Actor): Promise<boolean>;
  /** An iCalendar file of a year of windows and freezes, of all environments or of one. Errors: CALENDAR_INVALID. */
  exportWindows(environment?: string): Promise<string>;
  /** Undefined when there is none. */
  evidence(sha256: string): Promise<Evidence | undefined>;
  /** Keeps a file as it is, for a record that names it. May be repeated. Errors: USAGE_INVALID when it is empty or too large. */
  handIn(file: HandedIn): Promise<Attachment>;
  /**
   * What can be verified of the project's history, as of one instant: all of it, or its log and one run. Nothing in it is
   * trusted. Errors: STATE_DENIED.
   */
  audit(filter: { evidence: boolean; run?: string }): AsyncIterable<AuditRecord>;
  /** A signed envelope (DSSE, JSON) around a statement. Errors: SIGNING_KEY_MISSING, SECRET_MISSING. */
  sign(payloadType: string, payload: string): Promise<{ envelope: object; publicKey: string }>;
  /** The key that signs, as PEM of its public half; made when there is none. Errors: SIGNING_KEY_MISSING, SECRET_MISSING. */
  signingKey(): Promise<{ publicKey: string; from: string; isNew: boolean }>;
  /** What was written down outside of the project's log, in the place that the runbook names; undefined when it names none. */
  anchors(signal: AbortSignal): Promise<AnchorReading | undefined>;
  /**
   * What the run's steps that watch rules have seen so far, in the order of the plan, those alone that have begun; or one
   * step, which is cheap to ask again and again. Errors: RUN_UNKNOWN.
   */
  watched(runId: string, stepId?: string): Promise<WatchedStep[]>;
  /**
   * How the sources of measured series are declared that the run asks, by name: references in place of secrets. The
   * target's own have no declaration. Errors: RUN_UNKNOWN.
   */
  sources(runId: string): Promise<Record<string, DeclaredSource>>;
  /** One per environment of the runbook, or the one named. */
  status(environment?: string): Promise<EnvironmentStatus[]>;
  doctor(signal: AbortSignal): Promise<DoctorCheck[]>;
  close(): Promise<void>;
}

export interface ApprovedBefore {
  runId: string;
  planHash: string;
  by: string;
  at: Date;
  /** One line each, never empty. */
  changes: string[];
}

export interface PlanRequest {
  environment: string;
  release: string;
  purpose: "deploy" | "rollback";
  /** Whether the plan is to rest on the emergency that is declared. */
  inEmergency?: boolean;
  /** When T-0 is to be, as people say it: "2026-12-01 10:00 America/New_York"; as early as possible when left out. */
  at?: string;
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

export interface WatchedStep {
  stepId: string;
  title: string;
  report?: WatchReport;
  /** Why there is no report. */
  unknown?: string;
}

export interface DeclaredSource {
  kind: string;
  settings: JsonObject;
}

export interface EnvironmentWindows {
  environment: string;
  standing: WindowStanding;
  /** The next spans in which deploys may begin, at most five; ISO 8601, UTC, and as people are told. */
  openings: { start: string; end: string; text: string }[];
  /** Declared and not lifted, also those that have not begun. */
  freezes: DeclaredFreeze[];
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
  lock?: EnvironmentLock;
  /** What active runs wait for somebody to attest, and that should have been by now. */
  overdueItems: OverdueItem[];
  /** Tasks that should have been closed by now. */
  overdueTasks: FollowUp[];
}

export interface DoctorCheck {
  id: string;
  verdict: "pass" | "fail" | "unknown";
  text: string;
  fix?: string;
}
