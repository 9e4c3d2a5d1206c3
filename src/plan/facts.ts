import type { PlannedEmergency } from "../model/emergency.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { GateResult, Plan, PlanInput, Schedule } from "../model/plan.ts";
import type { TargetCapabilities } from "../model/ports.ts";
import type { ResolvedRunbook } from "../runbook/resolve.ts";

/** What is to be planned: the runbook resolved for one environment and one release. */
export interface PlanSource {
  purpose: "deploy" | "rollback";
  runbook: ResolvedRunbook;
  live: Live;
  /** Where stages, gates and settings were read from, so that a change of the file makes the plan stale. */
  inputs: PlanInput[];
  /** When T-0 is to be, when somebody said. */
  scheduled?: Schedule;
  /** On which it rests. */
  emergency?: PlannedEmergency;
  /** What blocks it whatever is found out: that the environment is locked. */
  against: Plan["blocked"];
}

/** What the target says it serves. */
export interface Live {
  /** Empty when nothing was ever deployed, or when it could not be found out (then `blocked` says so). */
  routes: { release: string; percent: number }[];
  blocked: Plan["blocked"];
}

/** What was found out, read-only. `build` decides from this and the source alone. */
export interface Facts {
  capabilities: TargetCapabilities;
  gates: GateResult[];
  /** By step id. */
  steps: Record<string, StepFacts>;
}

export type StepFacts =
  | { state: "gathered"; facts: Json; with: JsonObject }
  | { state: "failed"; reason: string; hint: string };
