import type * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { Actor } from "./actor.ts";
import type { Json, JsonObject } from "./json.ts";
import type { PlanInput, Risk, Undo } from "./plan.ts";
import type { EvidenceDemand } from "./follow-up.ts";
import type { DeployTarget, Fence, NotificationChannel, ScratchServer } from "./ports.ts";
import type { SignalSource } from "./signal-source.ts";
import type { DecisionWord } from "./decision.ts";
import type { NewerPlan } from "./run.ts";
import type { Signal } from "./signal.ts";
import type { Verdict } from "./verdict.ts";
import type { WatchReport } from "./watch-report.ts";

/**
 * A step kind: one unit of a runbook. The engine calls, for every step,
 * observe → act → verify, and when the run is rolled back undo, which must leave the world as it was before
 * act. After a crash anywhere it calls observe again before anything else. The shared harness in
 * testing/step-harness.ts drives every kind through act → undo → act → verify and through crashes.
 */
export interface StepKind<With = JsonObject, Facts extends Json = Json> {
  /** Dotted lower case: "db.migrate". */
  kind: string;
  /** Raised when stored plans of the old version can no longer be run by the new code. */
  version: number;
  /** One sentence for the documentation page. */
  summary: string;
  /** Requirement ids that the kind answers: ["C2"]. */
  requirements: readonly string[];
  /** Strict; every field described; defaults here and nowhere else. */
  schema: z.ZodType<With>;
  /** Whether a rollback to an earlier release carries the step out too. */
  inRollback: boolean;
  /** Set when the step changes nothing that serves users: then it also runs in a freeze. */
  changesNothing?: true;
  /** What `gather` finds is measured anew each time: a plan is not stale for that, but for the inputs of the forecast alone. */
  measures?: true;
  /** A `with:` block as YAML, checked by a test and shown in the documentation. */
  example: string;
  /** Looks at the world, read-only, when planning. */
  gather?(context: PlanContext<With>): Promise<Facts>;
  /** Pure: what would happen. */
  plan(input: PlanStepInput<With, Facts>): StepForecast;
  /** Whether the effect is there already. Reads only. */
  observe(context: StepContext<With, Facts>): Promise<Observation>;
  /** Brings the effect about. Called only after observe said absent, or by a person's word. */
  act(context: StepContext<With, Facts>): Promise<StepResult>;
  /** Whether the effect is really there and good. Reads only. Left out when act itself proves it. */
  verify?(context: StepContext<With, Facts>, result: JsonObject): Promise<Verdict>;
  /**
   * Takes the effect away again. Called for every step that was begun, also when act failed or was interrupted:
   * it must be safe when there is nothing to take away, and safe to repeat after a crash in its middle.
   */
  undo?(context: StepContext<With, Facts>, result: JsonObject | undefined): Promise<StepResult>;
  /**
   * Whether what made this step fail is over. Asked after a rollback that its failure caused, of that step alone, while
   * the engine looks at the service itself; measures what serves now over the window. Reads only, may keep evidence, and may be asked
   * again after a crash. unknown: it could not be found out, which is no success. Left out when the engine's own look says all.
   */
  cured?(context: StepContext<With, Facts>, failure: FailureToCure): Promise<Verdict>;
  /**
   * What the step has seen of the rules that it watches, by what it has kept: while it goes on and afterwards. Pure. undefined: it was
   * kept in a form that this tminus does not know. Left out by kinds that watch no rules.
   */
  watched?(kept: KeptByStep<With>): WatchReport | undefined;
  /**
   * What is left to people when the run has succeeded: tasks are opened for it as the run ends. Pure. Left out by kinds that leave
   * nothing.
   */
  leaves?(end: RunEndForStep<With>): StepTask[];
  /**
   * What undo would do and lose now, counted. Reads only; throws when it cannot be found out. Left out when the
   * plan's words say all that can be said.
   */
  previewUndo?(context: UndoPreviewContext<With, Facts>): Promise<UndoPreview>;
}

export interface RunEndForStep<With> {
  with: With;
  stepId: string;
  /** All of the run, oldest first. */
  signals: readonly Signal[];
  zeroAt: Date;
}

/** Something that is to be done after the run. */
export interface StepTask {
  /** Name of it within the step. */
  id: string;
  text: string;
  owner?: string;
  evidence: EvidenceDemand;
  dueAt: Date;
}

export interface KeptByStep<With> {
  with: With;
  /** What was found out when planning. */
  facts: Json;
  release: string;
  /** As it was given to saveState the last time. */
  state: Json | undefined;
  /** Contents by name, of the last attempt that ended. */
  evidence: Record<string, string>;
  /** When it is looked at, in ms since 1970; undefined when the step no longer goes on. */
  nowMs: number | undefined;
}

export interface FailureToCure {
  /** What the attempt that failed returned. */
  result: JsonObject;
  /** How long the failure must be seen to be over. */
  windowMs: number;
  /** The releases that have traffic now. */
  serving: readonly string[];
  /** So many requests are enough to say that few are bad; undefined: the step says how many are. */
  minRequests?: number;
}

export interface UndoPreview {
  /** One line for people: "undoing drops 41 emails (users.email) written since 10:02 UTC". */
  text: string;
  /** Rows that hold what would be lost; undefined when some of it cannot be counted. */
  rowsLost: number | undefined;
  /** undo would fail as the world is now, and change nothing. */
  isRefused: boolean;
}

export interface UndoPreviewContext<With, Facts = Json> extends PlanContext<With> {
  /** The step's key in its run, as in StepContext. */
  key: string;
  facts: Facts;
  rollbackDatabase: "keep" | "down";
}

export interface PlanContext<With> {
  with: With;
  release: string;
  environment: EnvironmentView;
  projectDirectory: string;
  target: DeployTarget;
  /** Sources of measured series by name. */
  sources: Record<string, SignalSource>;
  scratch: ScratchServer;
  /** Throws SECRET_MISSING. */
  secret(reference: string): Secret;
  clock: Clock;
  signal: AbortSignal;
  /** Only to see which of the plan's inputs have moved: what is costly and for people is left out. */
  isRecheck?: true;
  /** What is known only while a plan is made. */
  planning?: PlanningContext;
}

export interface PlanningContext {
  /** What is live. */
  previousRelease: string | undefined;
  /** Below the project's folder. */
  runbookFile: string;
  /** Whether somebody can sign in. Throws STATE_UNAVAILABLE. */
  hasUsers(): Promise<boolean>;
}

export interface EnvironmentView {
  name: string;
  /** Branch from which it is deployed. */
  branch?: string | undefined;
  url: string;
  protected: boolean;
  /** Reference of the database's connection string: "env:DATABASE_URL". */
  database: string | undefined;
  /** Name → reference. */
  variables: Record<string, string>;
}

export interface PlanStepInput<With, Facts> {
  with: With;
  facts: Facts;
  release: string;
  previousRelease: string | undefined;
  environment: EnvironmentView;
  rollbackDatabase: "keep" | "down";
  capabilities: DeployTarget["capabilities"];
  /** The release's share of the traffic when the step begins, by what the plan does before it; 100 when nothing says. */
  trafficPercent: number;
  /** Ids of the steps that run before it in this plan, in order. */
  stepsBefore: readonly string[];
}

export interface StepForecast {
  /** What will happen, one line each. */
  summary: string[];
  risk: Risk;
  /** Expected, 0 when unknown. */
  durationMs: number;
  /** Default time limit, used when the runbook gives none. */
  timeoutMs: number;
  undo: Undo;
  /** For a step that moves traffic: the release's share after it. */
  trafficPercent?: number;
  /** What makes the plan stale when it changes. */
  inputs: PlanInput[];
  blocked: { reason: string; fix?: string }[];
}

export type Observation =
  /** The effect is there; `result` stands in for what act would have returned. */
  | { state: "done"; result: JsonObject; reason: string }
  /** Certainly not there (or it does no harm to do it again): act may be called. */
  | { state: "absent"; reason: string }
  /** Nobody can tell: the run parks and asks a person, unless nothing was ever attempted. */
  | { state: "unknown"; reason: string };

export type StepResult =
  | { outcome: "done"; reason: string; result: JsonObject }
  /** When it failed by a person's word, `result.decidedBy` is their name: the run then goes back by it, not by itself. */
  | { outcome: "failed"; reason: string; result: JsonObject };

export interface StepContext<With, Facts = Json> {
  runId: string;
  stepId: string;
  title: string;
  /** Same for every attempt of this step in this run; made for idempotency keys and markers. */
  key: string;
  startedBy: string;
  /** The same person, and how it is known who that is. */
  starter: Actor;
  /** Hash of the plan that is being executed. */
  planHash: string;
  with: With;
  facts: Facts;
  release: string;
  previousRelease: string | undefined;
  environment: EnvironmentView;
  rollbackDatabase: "keep" | "down";
  projectDirectory: string;
  /** A folder for this run's files; made by the engine. */
  runDirectory: string;
  fence: Fence;
  /** Aborts when the step's time is over, when the run is aborted, or when the environment is lost. */
  signal: AbortSignal;
  clock: Clock;
  target: DeployTarget;
  /** Sources of measured series by name. */
  sources: Record<string, SignalSource>;
  /** By id. */
  channels: Record<string, NotificationChannel>;
  scratch: ScratchServer;
  secret(reference: string): Secret;
  /** The environment's variables with their values revealed: hand them to processes, never print them. */
  variables(): Record<string, string>;
  redact(text: string): string;
  /** Same for text that comes in chunks. */
  redactStream(write: (text: string) => void): { push(chunk: string): void; end(): void };
  /** One line for people watching; also proof of life. Redacted. Not kept as evidence. */
  progress(text: string): void;
  /** Keeps content as proof under a name; redacted text. Returns the SHA-256 by which it is found again. */
  evidence(name: string, content: string): Promise<string>;
  /** Tells people that the run waits for them, as long as `wait` runs; the words are shown by status. */
  waiting<T>(what: WaitingFor, wait: () => Promise<T>): Promise<T>;
  /** Signals sent to this step, oldest first, also those sent before it started. Ends with `signal`. */
  inbox(): AsyncIterable<Signal>;
  /**
   * Tells people now, through every channel of the runbook, each once per key however often it is called and whatever
   * crashes; waits up to a minute for channels that do not answer. A channel that could not be reached does not make it
   * throw: it is named, and tried again when the same page is asked for again. Throws the signal's reason when the step is aborted;
   * the page goes out all the same.
   */
  page(key: string, message: PageMessage): Promise<PageReport>;
  /** What is on record of another step of this run; undefined when the plan has no such step. */
  earlier(stepId: string): Promise<EarlierStep | undefined>;
  /** Other plans of this release for this environment that were started after this run was, oldest first. */
  newerPlans(): Promise<NewerPlan[]>;
  /** When the first step at or after T-0 began; undefined before that. */
  zeroAt: Date | undefined;
  /** When this run last moved traffic; undefined when it has not. */
  trafficMovedAt: Date | undefined;
  /** The release's share of the traffic by what the plan does before the step; undefined when nothing before it moves traffic. */
  trafficPercent: number | undefined;
  /** Small state of the step that survives a crash, shared by act and undo; undefined at first. */
  loadState(): Promise<Json | undefined>;
  saveState(state: Json): Promise<void>;
}

export interface PageMessage {
  title: string;
  text: string;
}

/** By id of the channel. Both are empty when the runbook has no channels: then nobody was told. */
export interface PageReport {
  delivered: string[];
  undelivered: { channel: string; reason: string }[];
}

export interface EarlierStep {
  stepId: string;
  kind: string;
  title: string;
  /** As in its own StepContext. */
  key: string;
  /** As the plan has it. */
  with: JsonObject;
  /** pending: it has not begun. begun: it is under way, or was interrupted. undone: its effect was taken away. */
  state: "pending" | "begun" | "done" | "failed" | "undone";
  /** Why it ended as it did. */
  reason: string;
  /** What its last attempt returned. */
  result: JsonObject;
  /** What it kept as proof: name → SHA-256. */
  evidence: Record<string, string>;
  endedAt: Date | undefined;
}

export interface WaitingFor {
  /** The verb that answers it. */
  for: "approval" | "attestation" | "decision" | "time";
  text: string;
  /** When the wait ends by itself. */
  until?: string;
  /** For a decision: which words answer it; usualDecisions when left out. Any other is refused. */
  answers?: DecisionWord[];
}
