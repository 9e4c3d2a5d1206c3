import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { TminusError } from "../../src/errors.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newRunId } from "../../src/lib/id.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { Plan, PlanInput, PlannedStep } from "../../src/model/plan.ts";
import type { DeployTarget } from "../../src/model/ports.ts";
import type { Run } from "../../src/model/run.ts";
import type { SignalBody } from "../../src/model/signal.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
import { createRun, findRun, listEvents, sendSignal } from "../../src/store/runs.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";
import { samplePlan, type TestState } from "./state.ts";

/** A step kind whose effects are counted, and that does what a test tells it to. */
export interface Script {
  observe?: () => "done" | "absent" | "unknown";
  act?: (signal: AbortSignal) => Promise<"done" | "failed"> | "done" | "failed";
  undo?: () => "done" | "failed" | "unreachable";
}

export class EngineWorld {
  /** What happened, in order: "act a", "undo a". */
  readonly effects: string[] = [];
  readonly scripts: Record<string, Script> = {};
  readonly target: DeployTarget = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] });
  /** What the scripted kind says that its plan depends on. */
  inputs: PlanInput[] = [];
  /** How long the end state is looked at before it counts as unknown or contradicted. */
  patienceMs = 15_000;
  readonly #directory = mkdtempSync(join(tmpdir(), "tminus-engine-"));
  readonly state: TestState;

  constructor(state: TestState) {
    this.state = state;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async start(stages: PlannedStep[][], change: Partial<Plan> = {}): Promise<string> {
    const plan = samplePlan({
      stages: stages.map((steps, index) => ({
        id: `stage-${index}`,
        title: `Stage ${index}`,
        risk: "low",
        success: [],
        steps,
      })),
      ...change,
    });
    const id = newRunId(new Date());
    await createRun(this.state.pool, { id, plan, context: {}, startedBy: "mia" });
    return id;
  }

  ports(workerId = "worker"): EnginePorts {
    return {
      journal: this.state.journal,
      clock: systemClock,
      workerId,
      stepKind: (kind) => (kind === "scripted" ? this.#kind() : undefined),
      openEnvironment: async () => ({
        view: {
          name: "production",
          url: "http://127.0.0.1:1/",
          protected: false,
          database: undefined,
          variables: {},
        },
        target: this.target,
        signals: {},
        channels: {},
        scratch: { createDatabase: () => Promise.reject(new Error("not used here")) },
        secret: (reference) => new Secret("value", reference),
        variables: () => ({}),
        redactor: new Redactor(),
        projectDirectory: this.#directory,
        runDirectory: this.#directory,
        keepServing: async () => undefined,
        close: async () => undefined,
      }),
      probe: async () => ({ state: "answered", status: 200, release: undefined }),
      log: () => undefined,
      patienceMs: this.patienceMs,
    };
  }

  /** Executes the run to its end, or until `stop`. */
  async execute(id: string, stop: AbortSignal = new AbortController().signal): Promise<Run> {
    await executeRun(id, this.ports(), stop);
    return this.run(id);
  }

  run(id: string): Promise<Run> {
    return findRun(this.state.pool, id);
  }

  async eventTypes(id: string): Promise<string[]> {
    return (await listEvents(this.state.pool, id, 0)).map(({ type }) => type);
  }

  send(id: string, body: SignalBody, actor = "tom"): Promise<void> {
    return sendSignal(this.state.pool, id, actor, body);
  }

  /** Resolves when the run shows that it waits for a person. */
  async untilWaiting(id: string): Promise<Run> {
    for (;;) {
      const run = await this.run(id);
      if (run.waitingFor !== undefined) return run;
      await systemClock.sleep(5);
    }
  }

  #isThere(stepId: string): boolean {
    return this.effects.filter((effect) => effect.endsWith(` ${stepId}`)).at(-1) === `act ${stepId}`;
  }

  #kind(): StepKind {
    const scriptOf = (id: string): Script => this.scripts[id] ?? {};
    return {
      kind: "scripted",
      version: 1,
      inRollback: false,
      summary: "does what a test tells it to",
      requirements: [],
      schema: z.record(z.string(), z.json()),
      example: "",
      plan: () => ({
        summary: [],
        risk: "low",
        durationMs: 0,
        timeoutMs: 10_000,
        undo: { how: "undo", text: "takes it away" },
        inputs: this.inputs,
        blocked: [],
      }),
      observe: async ({ stepId }) => {
        const isThere = this.#isThere(stepId);
        const state = scriptOf(stepId).observe?.() ?? (isThere ? "done" : "absent");
        return state === "done" ? { state, result: {}, reason: "seen" } : { state, reason: state };
      },
      act: async ({ stepId, signal }) => {
        const outcome = (await scriptOf(stepId).act?.(signal)) ?? "done";
        if (outcome === "done") this.effects.push(`act ${stepId}`);
        return { outcome, reason: `act said ${outcome}`, result: { from: stepId } };
      },
      undo: async ({ stepId }) => {
        const outcome = scriptOf(stepId).undo?.() ?? "done";
        if (outcome === "unreachable") throw new TminusError("TARGET_UNREACHABLE", "nobody answers");
        if (outcome === "done" && this.#isThere(stepId)) this.effects.push(`undo ${stepId}`);
        return { outcome, reason: `undo said ${outcome}`, result: {} };
      },
    };
  }
}

export function scriptedStep(id: string, change: Partial<PlannedStep> = {}): PlannedStep {
  return {
    id,
    kind: "scripted",
    kindVersion: 1,
    title: id,
    stage: "stage",
    with: {},
    facts: null,
    summary: [],
    risk: "low",
    durationMs: 0,
    timeoutMs: 10_000,
    onFailure: "rollback",
    undo: { how: "undo", text: "takes it away" },
    ...change,
  };
}
