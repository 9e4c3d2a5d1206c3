import { toErrorRecord } from "../errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { GateResult } from "../model/plan.ts";
import type { DeployTarget, ScratchServer } from "../model/ports.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { EnvironmentView, PlanContext, StepKind } from "../model/step-kind.ts";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { ResolvedGate, ResolvedStep } from "../runbook/resolve.ts";
import type { Facts, Live, PlanSource, StepFacts } from "./facts.ts";

export interface GatherPorts {
  environment: EnvironmentView;
  target: DeployTarget;
  sources: Record<string, SignalSource>;
  scratch: ScratchServer;
  /** Below the project's folder. */
  runbookFile: string;
  hasUsers(): Promise<boolean>;
  stepKind(kind: string): StepKind | undefined;
  /** Runs all gates and reports all of them, whatever each says. `steps`: what was found out about the steps. */
  runGates(gates: ResolvedGate[], steps: Facts["steps"]): Promise<GateResult[]>;
  secret(reference: string): Secret;
  projectDirectory: string;
  clock: Clock;
  signal: AbortSignal;
  progress(text: string): void;
}

/** Asks the target what is live. Reads only; never throws: not knowing blocks the plan. */
export async function readLive(target: DeployTarget): Promise<Live> {
  const block = (reason: string, fix: string): Live => ({
    routes: [],
    blocked: [{ where: "target", reason: `it could not be found out what is live: ${reason}`, fix }],
  });
  try {
    const traffic = await target.traffic();
    switch (traffic.state) {
      case "present":
        return {
          routes: traffic.value.routes.map(({ release, percent }) => ({ release, percent })),
          blocked: [],
        };
      case "absent":
        return { routes: [], blocked: [] };
      case "unknown":
        return block(traffic.reason, "Run tminus doctor; it says which part of the target does not answer.");
    }
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    return block(message, hint);
  }
}

/** The release that is live beside the one named, or that one itself when it already has all traffic. */
export function previousRelease({ routes }: Live, release: string): string | undefined {
  const serving = routes.filter(({ percent }) => percent > 0).sort((a, b) => b.percent - a.percent);
  return (serving.find((route) => route.release !== release) ?? serving[0])?.release;
}

/**
 * Asks the world everything else that the plan is made from. Reads only. What could not be found out is kept
 * as such and blocks the plan; nothing is assumed.
 */
export async function gather(source: PlanSource, ports: GatherPorts): Promise<Facts> {
  const steps: Record<string, StepFacts> = {};
  for (const step of source.runbook.stages.flatMap((stage) => stage.steps)) {
    ports.progress(`looking at ${step.id}`);
    steps[step.id] = await gatherStep(source, step, ports);
  }
  if (source.runbook.gates.length > 0) ports.progress(`running ${source.runbook.gates.length} gates`);
  const gates = await ports.runGates(source.runbook.gates, steps);
  return { capabilities: ports.target.capabilities, gates, steps };
}

async function gatherStep(
  { runbook: { release }, live }: PlanSource,
  step: ResolvedStep,
  ports: GatherPorts,
): Promise<StepFacts> {
  try {
    const kind = ports.stepKind(step.kind);
    if (kind === undefined)
      return { state: "failed", reason: `there is no step kind ${step.kind}`, hint: "" };
    const settings = kind.schema.parse(step.with) as JsonObject;
    const context: PlanContext<JsonObject> = {
      with: settings,
      release,
      environment: ports.environment,
      projectDirectory: ports.projectDirectory,
      target: ports.target,
      sources: ports.sources,
      scratch: ports.scratch,
      secret: (reference) => ports.secret(reference),
      clock: ports.clock,
      signal: ports.signal,
      planning: {
        previousRelease: previousRelease(live, release),
        runbookFile: ports.runbookFile,
        hasUsers: () => ports.hasUsers(),
      },
    };
    const facts = (await kind.gather?.(context)) ?? null;
    return { state: "gathered", facts, with: settings };
  } catch (error) {
    ports.signal.throwIfAborted();
    const { message, hint } = toErrorRecord(error);
    return { state: "failed", reason: message, hint };
  }
}
