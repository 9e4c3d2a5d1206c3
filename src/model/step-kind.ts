import type * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { Json, JsonObject } from "./json.ts";
import type { PlanInput, Risk, Undo } from "./plan.ts";
import type { DeployTarget, Fence, NotificationChannel, ScratchServer, SignalSource } from "./ports.ts";
import type { Signal } from "./signal.ts";
import type { Verdict } from "./verdict.ts";

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
   * What undo would do and lose now, counted. Reads only; throws when it cannot be found out. Left out when the
   * plan's words say all that can be said.
   */
  previewUndo?(context: UndoPreviewContext<With, Facts>): Promise<UndoPreview>;
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
  scratch: ScratchServer;
  /** Throws SECRET_MISSING. */
  secret(reference: string): Secret;
  signal: AbortSignal;
}

export interface EnvironmentView {
  name: string;
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
  | { outcome: "failed"; reason: string; result: JsonObject };

export interface StepContext<With, Facts = Json> {
  runId: string;
  stepId: string;
  title: string;
  /** Same for every attempt of this step in this run; made for idempotency keys and markers. */
  key: string;
  startedBy: string;
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
  /** By name: "edge". */
  signals: Record<string, SignalSource>;
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
  /** Small state of the step that survives a crash, shared by act and undo; undefined at first. */
  loadState(): Promise<Json | undefined>;
  saveState(state: Json): Promise<void>;
}

export interface WaitingFor {
  /** The verb that answers it. */
  for: "approval" | "attestation" | "decision" | "time";
  text: string;
  /** When the wait ends by itself. */
  until?: string;
}
