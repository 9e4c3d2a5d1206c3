import type { Clock } from "../lib/clock.ts";
import type { Redactor, Secret } from "../lib/redact.ts";
import type { Journal } from "../model/journal.ts";
import type { DeployTarget, NotificationChannel, ScratchServer } from "../model/ports.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { Run } from "../model/run.ts";
import type { WindowStanding } from "../model/window-standing.ts";
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
  /**
   * Writes the head of the project's log down outside, where the runbook names a place. Undefined when that is done or not
   * asked for, else why it failed. Safe to repeat. Errors: STATE_UNAVAILABLE.
   */
  anchor(runId: string, signal: AbortSignal): Promise<string | undefined>;
  calendar: RunCalendar;
  /** How long the world is given to agree with the plan at the end of a run. */
  patienceMs: number;
  /** How long people are asked before a release is rolled back by itself for the second time. */
  secondRollbackMs: number;
  /** For the worker's own log. */
  log(line: string): void;
}

/** When runs may begin and go on, by the windows that they were made with and the freezes that are declared now. */
export interface RunCalendar {
  /** Whether the run may begin now. */
  standing(run: Run): Promise<WindowStanding>;
  /** Whether the emergency on which the run's plan rests still holds. */
  isEmergencyOn(run: Run): Promise<boolean>;
  /** The freezes that are on now in the run's environment. */
  freezesNow(run: Run): Promise<ActiveFreeze[]>;
}

export interface ActiveFreeze {
  id: string;
  reason: string;
  until: Date;
}

export interface OpenEnvironment {
  view: EnvironmentView;
  target: DeployTarget;
  /** By name. */
  sources: Record<string, SignalSource>;
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
