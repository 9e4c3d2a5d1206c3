import type { Json, JsonObject } from "../model/json.ts";
import type { Plan, PlanInput, PlannedStep } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import type { DeployTarget, ScratchServer } from "../model/ports.ts";
import type { EnvironmentView, StepKind } from "../model/step-kind.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { Clock } from "../lib/clock.ts";
import type { Redactor, Secret } from "../lib/redact.ts";
import { describeLive } from "./build.ts";
import { previousRelease, readLive } from "./gather.ts";
import { movedInputs } from "./moved-inputs.ts";

export interface RecheckPorts {
  environment: EnvironmentView;
  target: DeployTarget;
  sources: Record<string, SignalSource>;
  scratch: ScratchServer;
  stepKind(kind: string): StepKind | undefined;
  secret(reference: string): Secret;
  redactor: Redactor;
  projectDirectory: string;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * What of a plan's inputs has moved since it was made, for people; empty when nothing has. Asked once more when
 * the run has the environment: it may have waited behind another one that changed what is live. Reads only.
 * What cannot be looked at now is not known to have moved; the step that needs it finds out for itself.
 */
export async function movedSince(plan: Plan, ports: RecheckPorts): Promise<string[]> {
  const live = await readLive(ports.target);
  const found: { step: PlannedStep; facts: Json }[] = [];
  for (const step of stepsOf(plan)) {
    const facts = await gatherAgain(step, plan.release, ports);
    if (facts !== undefined) found.push({ step, facts: facts.value });
  }
  const now: PlanInput[] =
    live.blocked.length > 0 ? [] : [{ name: "live traffic", digest: describeLive(live.routes) }];
  const stepIds = stepsOf(plan).map(({ id }) => id);
  for (const { step, facts } of found) {
    const forecast = ports.stepKind(step.kind)!.plan({
      with: step.with,
      // As when planning: redacted after everything was asked.
      facts: ports.redactor.redactJson(facts),
      release: plan.release,
      previousRelease: previousRelease(live, plan.release),
      environment: ports.environment,
      rollbackDatabase: plan.rollback.database,
      capabilities: ports.target.capabilities,
      trafficPercent: 100,
      stepsBefore: stepIds.slice(0, stepIds.indexOf(step.id)),
    });
    now.push(...forecast.inputs);
  }
  return movedInputs({ inputs: inBoth(plan.inputs, now) }, { inputs: inBoth(now, plan.inputs) });
}

/** Those of `inputs` that `others` name too: only what was looked at both times can be said to have moved. */
function inBoth(inputs: PlanInput[], others: PlanInput[]): PlanInput[] {
  const names = new Set(others.map(({ name }) => name));
  return inputs.filter(({ name }) => names.has(name));
}

async function gatherAgain(
  step: PlannedStep,
  release: string,
  ports: RecheckPorts,
): Promise<{ value: Json } | undefined> {
  const kind = ports.stepKind(step.kind);
  if (kind === undefined || kind.version !== step.kindVersion) return undefined;
  try {
    const { environment, projectDirectory, target, sources, scratch, clock, signal } = ports;
    const secret = (reference: string): Secret => ports.secret(reference);
    const context = {
      with: step.with as JsonObject,
      release,
      environment,
      projectDirectory,
      target,
      sources,
      scratch,
      secret,
      clock,
      signal,
      isRecheck: true as const,
    };
    return { value: (await kind.gather?.(context)) ?? null };
  } catch {
    ports.signal.throwIfAborted();
    return undefined; // it does not answer now: see above
  }
}
