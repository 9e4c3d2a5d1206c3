import type * as z from "zod";
import type { runbookSchema } from "./model/runbook.ts";

/**
 * The public API: what is needed to write a step kind or a gate kind, and to handle what tminus reports.
 * A kind is usable in a runbook once it is in src/steps/registry.ts or src/gates/registry.ts; kinds are not
 * loaded from a project. `tminus/testing` has the harness that every step kind must pass.
 */

export { defineStep } from "./steps/define.ts";
export { defineGate } from "./gates/define.ts";
export { describeCode, hasCode, TminusError } from "./errors.ts";
export type { ErrorRecord, TminusErrorOptions } from "./errors.ts";
export type { ErrorCode, ErrorCodeRow, ExitCode } from "./error-codes.ts";

export type {
  EarlierStep,
  EnvironmentView,
  FailureToCure,
  Observation,
  PageMessage,
  PageReport,
  PlanContext,
  PlanStepInput,
  StepContext,
  StepForecast,
  StepKind,
  StepResult,
  WaitingFor,
} from "./model/step-kind.ts";
export type { GateContext, GateKind } from "./model/gate-kind.ts";
export type {
  DeployTarget,
  Fence,
  NotificationChannel,
  NotificationMessage,
  StagedRelease,
  StageOptions,
  TargetCapabilities,
  TrafficState,
} from "./model/ports.ts";
export type { Check, PullRequest, Review, Scm } from "./model/scm.ts";
export type { Metric } from "./model/metric.ts";
export type {
  CountPoint,
  Given,
  SeriesAnswer,
  SeriesQuestion,
  SignalSource,
  SourceTraits,
  ValuePoint,
} from "./model/signal-source.ts";
export type { GateResult, Plan, PlanInput, PlannedStage, PlannedStep, Risk, Undo } from "./model/plan.ts";
export type { Observed, Verdict } from "./model/verdict.ts";
export type { Signal, SignalBody } from "./model/signal.ts";
export type { Json, JsonObject } from "./model/json.ts";
export type { Clock } from "./lib/clock.ts";
export type { Secret } from "./lib/redact.ts";

/** What a tminus.config.ts exports as its default: the content of a tminus.yaml, defaults left out. */
export type RunbookInput = z.input<typeof runbookSchema>;
