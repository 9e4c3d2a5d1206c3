import { isClosed, type Plan, type PlannedStage, type PlannedStep, type PlanInput } from "../model/plan.ts";
import type { EnvironmentView, StepForecast, StepKind } from "../model/step-kind.ts";
import type { ResolvedStage, ResolvedStep } from "../runbook/resolve.ts";
import type { Facts, PlanSource, StepFacts } from "./facts.ts";
import { previousRelease } from "./gather.ts";
import { planHash } from "../model/plan-hash.ts";

/** Pure: the same source, facts and kinds give the same plan with the same hash. `now` only dates it. */
export function buildPlan(
  source: PlanSource,
  facts: Facts,
  stepKind: (kind: string) => StepKind | undefined,
  now: Date,
): Plan {
  const { runbook, live } = source;
  const { environment } = runbook;
  const draft: Draft = {
    inputs: [...source.inputs, { name: "live traffic", digest: describeLive(live.routes) }],
    blocked: [...source.against, ...live.blocked, ...blockingGates(facts)],
    endRelease: undefined,
    trafficPercent: undefined,
  };
  const view: EnvironmentView = {
    name: environment.name,
    url: environment.url,
    protected: environment.protected,
    database: environment.database,
    variables: environment.variables,
  };
  const previous = previousRelease(live, runbook.release);
  const stepIds = runbook.stages.flatMap(({ steps }) => steps.map(({ id }) => id));
  const planStep = (stage: ResolvedStage, step: ResolvedStep): PlannedStep[] => {
    const found = facts.steps[step.id];
    const kind = stepKind(step.kind);
    if (found?.state !== "gathered" || kind === undefined) return blockStep(draft, step, found);
    const forecast = kind.plan({
      with: found.with,
      facts: found.facts,
      release: runbook.release,
      previousRelease: previous,
      environment: view,
      rollbackDatabase: runbook.rollback.database,
      capabilities: facts.capabilities,
      trafficPercent: draft.trafficPercent ?? 100,
      stepsBefore: stepIds.slice(0, stepIds.indexOf(step.id)),
    });
    takeForecast(draft, step, forecast, runbook.release);
    return [plannedStep(stage, step, kind, forecast, found)];
  };
  const stages = runbook.stages.map((stage): PlannedStage => ({
    id: stage.id,
    title: stage.title,
    risk: stage.risk,
    success: stage.success,
    steps: stage.steps.flatMap((step) => planStep(stage, step)),
  }));
  const content = {
    protocol: 1 as const,
    project: runbook.project,
    purpose: source.purpose,
    release: runbook.release,
    ...(previous === undefined ? {} : { previousRelease: previous }),
    live: live.routes,
    ...(draft.endRelease === undefined ? {} : { endRelease: draft.endRelease }),
    environment: {
      name: environment.name,
      url: environment.url,
      protected: environment.protected,
      targetKind: environment.target.kind,
      ...(environment.database === undefined ? {} : { database: environment.database }),
    },
    rollback: runbook.rollback,
    inputs: [...new Map(draft.inputs.map((input) => [input.name, input])).values()],
    gates: facts.gates,
    stages,
    blocked: draft.blocked,
    ...(source.scheduled === undefined ? {} : { scheduled: source.scheduled }),
    ...(source.emergency === undefined ? {} : { emergency: source.emergency }),
  };
  return { ...content, hash: planHash(content), createdAt: now.toISOString() };
}

interface Draft {
  inputs: PlanInput[];
  blocked: Plan["blocked"];
  endRelease: string | undefined;
  /** The release's share by what the steps so far do; undefined before one of them moves traffic. */
  trafficPercent: number | undefined;
}

function takeForecast(draft: Draft, step: ResolvedStep, forecast: StepForecast, release: string): void {
  draft.inputs.push(...forecast.inputs);
  for (const item of forecast.blocked) draft.blocked.push({ where: `step ${step.id}`, ...item });
  if (forecast.trafficPercent === undefined) return;
  draft.trafficPercent = forecast.trafficPercent;
  draft.endRelease = forecast.trafficPercent === 100 ? release : undefined;
}

function blockStep(draft: Draft, step: ResolvedStep, found: StepFacts | undefined): [] {
  const where = `step ${step.id}`;
  if (found?.state === "failed") draft.blocked.push({ where, reason: found.reason, fix: found.hint });
  else draft.blocked.push({ where, reason: `there is no step kind ${step.kind}` });
  return [];
}

function blockingGates({ gates }: Facts): Plan["blocked"] {
  return gates
    .filter(isClosed)
    .map(({ id, reason, fix }) => ({ where: `gate ${id}`, reason, ...(fix === undefined ? {} : { fix }) }));
}

function plannedStep(
  stage: ResolvedStage,
  step: ResolvedStep,
  kind: StepKind,
  forecast: StepForecast,
  found: { facts: PlannedStep["facts"]; with: PlannedStep["with"] },
): PlannedStep {
  return {
    id: step.id,
    kind: step.kind,
    kindVersion: kind.version,
    title: step.title,
    stage: stage.id,
    with: found.with,
    facts: found.facts,
    summary: forecast.summary,
    risk: forecast.risk,
    durationMs: forecast.durationMs,
    timeoutMs: step.timeoutMs ?? forecast.timeoutMs,
    ...(step.offsetMs === undefined ? {} : { offsetMs: step.offsetMs }),
    onFailure: step.onFailure,
    ...(forecast.trafficPercent === undefined ? {} : { trafficPercent: forecast.trafficPercent }),
    undo: forecast.undo,
  };
}

/** The digest of the input "live traffic". */
export function describeLive(routes: Plan["live"]): string {
  if (routes.length === 0) return "nothing";
  return routes.map(({ release, percent }) => `${release} ${percent} %`).join(", ");
}
