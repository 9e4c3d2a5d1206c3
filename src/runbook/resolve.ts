import { TminusError } from "../errors.ts";
import { parseDuration, parseOffset } from "../lib/duration.ts";
import type { DeployLimits, DeployWindow, RunbookFreeze } from "../model/calendar.ts";
import type { EmergencySettings } from "../model/emergency.ts";
import type { JsonObject } from "../model/json.ts";
import type { Risk } from "../model/plan.ts";
import type { Runbook, RunbookStage, RunbookStep } from "../model/runbook.ts";
import { suggest } from "../lib/did-you-mean.ts";
import { fillPlaceholders, type Placeholder } from "./placeholder.ts";
import { shorten } from "./source-text.ts";
import { orderStages } from "./stage-order.ts";

/** What a runbook says for one environment and one release: ordered, times in milliseconds, placeholders filled in. */
export interface ResolvedRunbook {
  project: string;
  release: string;
  environment: ResolvedEnvironment;
  gates: ResolvedGate[];
  /** In the order in which they run; only those of this environment. */
  stages: ResolvedStage[];
  rollback: {
    automatic: boolean;
    database: "keep" | "down";
    cureMs: number;
    cureMaxErrorPercent?: number;
    cureMinRequests?: number;
  };
  /** As written: the channel kind's schema reads them. */
  channels: ({ id: string; kind: string } & Record<string, unknown>)[];
  /** As written. */
  scm?: { kind: string } & Record<string, unknown>;
}

export interface ResolvedEnvironment {
  name: string;
  branch: string | undefined;
  url: string;
  protected: boolean;
  /** Reference of the connection string. */
  database: string | undefined;
  /** Name → reference. */
  variables: Record<string, string>;
  /** As written; "{release}" is left in, because a target is asked about other releases too. */
  target: { kind: string } & Record<string, unknown>;
  /** By name, as written: "{release}" is for the source to fill in. */
  signals: Record<string, { kind: string } & Record<string, unknown>>;
  windows: DeployWindow[];
  limits: DeployLimits;
  emergency: EmergencySettings | undefined;
  /** Those of the runbook that are for this environment. */
  freezes: RunbookFreeze[];
}

export interface ResolvedGate {
  id: string;
  kind: string;
  title: string;
  /** Read it with the kind's schema, which checks it once more and fills the defaults in. */
  with: JsonObject;
}

export interface ResolvedStage {
  id: string;
  title: string;
  risk: Risk;
  /** The runbook's own estimate. */
  durationMs: number | undefined;
  success: string[];
  steps: ResolvedStep[];
}

export interface ResolvedStep extends ResolvedGate {
  /** Earliest start relative to T-0; negative before it. */
  offsetMs: number | undefined;
  /** Undefined: the kind's own. */
  timeoutMs: number | undefined;
  onFailure: "rollback" | "hold";
}

export interface ResolveRequest {
  environment: string;
  release: string;
  /** When given, "{previous}" is filled in too; otherwise it stays for later. */
  previousRelease?: string;
}

/** Releases become parts of paths, arguments and addresses. */
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

/** Pure. Errors: ENVIRONMENT_UNKNOWN, USAGE_INVALID for a release that is not a plain name. */
export function resolveRunbook(runbook: Runbook, request: ResolveRequest): ResolvedRunbook {
  const environment = resolveEnvironment(runbook, request.environment);
  if (!RELEASE.test(request.release)) {
    throw new TminusError("USAGE_INVALID", `"${shorten(request.release)}" cannot be the name of a release`, {
      hint: "Use letters, digits, dots, plus, minus and underscores, starting with a letter or digit, at most 128.",
    });
  }
  const values: Partial<Record<Placeholder, string>> = {
    project: runbook.project,
    environment: request.environment,
    release: request.release,
    ...(request.previousRelease === undefined ? {} : { previous: request.previousRelease }),
  };
  return {
    project: runbook.project,
    release: request.release,
    environment,
    gates: gatesOf(runbook, request.environment).map(({ id, kind, title, with: settings }) => ({
      id,
      kind,
      title: title ?? id,
      with: fillPlaceholders(settings, values) as JsonObject,
    })),
    stages: stagesOf(runbook, request.environment).map((stage) => resolveStage(stage, values)),
    rollback: rollbackOf(runbook.rollback),
    channels: runbook.notify,
    ...(runbook.scm === undefined ? {} : { scm: runbook.scm }),
  };
}

function rollbackOf({ automatic, database, cure }: Runbook["rollback"]): ResolvedRunbook["rollback"] {
  const { window, maxErrorPercent, minRequests } = cure;
  return {
    automatic,
    database,
    cureMs: known(parseDuration(window)),
    ...(maxErrorPercent === undefined ? {} : { cureMaxErrorPercent: maxErrorPercent }),
    ...(minRequests === undefined ? {} : { cureMinRequests: minRequests }),
  };
}

/** The gates that have to pass for an environment, in the order of the runbook. */
export function gatesOf({ gates }: Runbook, environment: string): Runbook["gates"] {
  return gates.filter(({ environments }) => environments?.includes(environment) ?? true);
}

/** What the runbook says of one environment, without a release. Errors: ENVIRONMENT_UNKNOWN. */
export function resolveEnvironment(runbook: Runbook, name: string): ResolvedEnvironment {
  const names = Object.keys(runbook.environments);
  const environment = Object.hasOwn(runbook.environments, name) ? runbook.environments[name] : undefined;
  if (environment === undefined) {
    throw new TminusError(
      "ENVIRONMENT_UNKNOWN",
      `there is no environment "${shorten(name)}" in the runbook`,
      {
        hint: suggest(name, names, "The runbook has"),
        details: { environment: name, environments: names },
      },
    );
  }
  const values = { project: runbook.project, environment: name };
  return {
    name,
    branch: environment.branch,
    url: environment.url,
    protected: environment.protected,
    database: environment.database?.url,
    variables: environment.variables,
    target: fillPlaceholders(environment.target as JsonObject, values) as ResolvedEnvironment["target"],
    signals: fillPlaceholders(environment.signals as JsonObject, values) as ResolvedEnvironment["signals"],
    windows: environment.windows,
    limits: environment.limits,
    emergency: environment.emergency,
    freezes: runbook.freezes.filter(({ environments }) => environments?.includes(name) ?? true),
  };
}

function stagesOf(runbook: Runbook, environment: string): RunbookStage[] {
  const byId = new Map(runbook.stages.map((stage) => [stage.id, stage]));
  const { order } = orderStages(runbook.stages);
  if (order === undefined) throw new TminusError("RUNBOOK_INVALID", "the stages need each other in a circle");
  return order
    .map((id) => byId.get(id)!)
    .filter((stage) => stage.environments?.includes(environment) ?? true);
}

function resolveStage(stage: RunbookStage, values: Partial<Record<Placeholder, string>>): ResolvedStage {
  return {
    id: stage.id,
    title: stage.title ?? stage.id,
    risk: stage.risk,
    durationMs: stage.duration === undefined ? undefined : known(parseDuration(stage.duration)),
    success: stage.success,
    steps: stage.steps.map((step) => resolveStep(step, values)),
  };
}

function resolveStep(step: RunbookStep, values: Partial<Record<Placeholder, string>>): ResolvedStep {
  return {
    id: step.id,
    kind: step.kind,
    title: step.title ?? step.id,
    offsetMs: step.at === undefined ? undefined : known(parseOffset(step.at)),
    timeoutMs: step.timeout === undefined ? undefined : known(parseDuration(step.timeout)),
    onFailure: step.onFailure,
    with: fillPlaceholders(step.with, values) as JsonObject,
  };
}

/** The schema let only readable times through. */
function known(ms: number | undefined): number {
  if (ms === undefined)
    throw new TminusError("RUNBOOK_INVALID", "the runbook was not checked before it was resolved");
  return ms;
}
