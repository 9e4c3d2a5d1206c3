import * as z from "zod";
import type { Facts, PlanSource } from "../../src/plan/facts.ts";
import type { StepForecast, StepKind } from "../../src/model/step-kind.ts";
import type { ResolvedRunbook, ResolvedStep } from "../../src/runbook/resolve.ts";

export function resolvedStep(id: string, change: Partial<ResolvedStep> = {}): ResolvedStep {
  return {
    id,
    kind: "sample",
    title: `Step ${id}`,
    with: {},
    offsetMs: undefined,
    timeoutMs: undefined,
    onFailure: "rollback",
    ...change,
  };
}

export function resolvedRunbook(
  steps: ResolvedStep[][],
  change: Partial<ResolvedRunbook> = {},
): ResolvedRunbook {
  return {
    project: "shop",
    release: "v2",
    environment: {
      name: "production",
      branch: undefined,
      url: "http://127.0.0.1:1",
      protected: true,
      database: "env:DATABASE_URL",
      variables: { TOKEN: "env:TOKEN" },
      target: { kind: "fake" },
      signals: {},
      windows: [],
      emergency: undefined,
      limits: {},
      freezes: [],
    },
    gates: [],
    stages: steps.map((inside, index) => ({
      id: `stage-${index}`,
      title: `Stage ${index}`,
      risk: "medium",
      durationMs: undefined,
      success: ["it works"],
      steps: inside,
    })),
    rollback: { automatic: true, database: "keep", cureMs: 1000 },
    channels: [],
    ...change,
  };
}

export function planSource(runbook: ResolvedRunbook, change: Partial<PlanSource> = {}): PlanSource {
  return {
    purpose: "deploy",
    runbook,
    live: { routes: [{ release: "v1", percent: 100 }], blocked: [] },
    inputs: [{ name: "runbook", digest: "a".repeat(64) }],
    against: [],
    ...change,
  };
}

/** Facts in which every step of the runbook was gathered. */
export function factsOf({ stages }: ResolvedRunbook, change: Partial<Facts> = {}): Facts {
  const steps = stages.flatMap((stage) => stage.steps);
  return {
    capabilities: { traffic: "percent", warmRollback: true },
    gates: [],
    steps: Object.fromEntries(
      steps.map((step) => [step.id, { state: "gathered", facts: null, with: step.with }]),
    ),
    ...change,
  };
}

/** A step kind that forecasts what a test says. */
export function sampleKind(change: Partial<StepKind> = {}, forecast: Partial<StepForecast> = {}): StepKind {
  return {
    kind: "sample",
    version: 3,
    inRollback: true,
    summary: "a sample",
    requirements: [],
    schema: z.record(z.string(), z.json()),
    example: "{}",
    plan: () => ({
      summary: ["does something"],
      risk: "low",
      durationMs: 100,
      timeoutMs: 5000,
      undo: { how: "none-needed", text: "only reads" },
      inputs: [],
      blocked: [],
      ...forecast,
    }),
    observe: async () => ({ state: "absent", reason: "" }),
    act: async () => ({ outcome: "done", reason: "", result: {} }),
    ...change,
  };
}
