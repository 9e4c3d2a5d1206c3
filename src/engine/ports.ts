import type { Clock } from "../lib/clock.ts";
import type { Redactor, Secret } from "../lib/redact.ts";
import type { Journal } from "../model/journal.ts";
import type { DeployTarget, NotificationChannel, ScratchServer, SignalSource } from "../model/ports.ts";
import type { EnvironmentView, StepKind } from "../model/step-kind.ts";

/** What the engine is given. It imports no provider and no store. */
export interface EnginePorts {
  journal: Journal;
  clock: Clock;
  workerId: string;
  stepKind(kind: string): StepKind | undefined;
  /** Opens what the run's frozen context names. Throws SECRET_MISSING when this worker lacks a variable. */
  openEnvironment(runId: string): Promise<OpenEnvironment>;
  /** Asks a public URL once, on a connection of its own. Rejects only with the signal's reason. */
  probe(url: string, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer>;
  /** How long the world is given to agree with the plan at the end of a run. */
  patienceMs: number;
  /** For the worker's own log. */
  log(line: string): void;
}

export interface OpenEnvironment {
  view: EnvironmentView;
  target: DeployTarget;
  signals: Record<string, SignalSource>;
  channels: Record<string, NotificationChannel>;
  scratch: ScratchServer;
  secret(reference: string): Secret;
  variables(): Record<string, string>;
  redactor: Redactor;
  projectDirectory: string;
  runDirectory: string;
  /** Starts again what must serve and was killed. Safe to repeat. */
  keepServing(): Promise<void>;
  close(): Promise<void>;
}

export type ProbeAnswer =
  /** `release` is what the answer says of itself, when it does. */
  { state: "answered"; status: number; release: string | undefined } | { state: "silent"; reason: string };
