import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { TminusError } from "../../src/errors.ts";
import { systemClock, type Clock } from "../../src/lib/clock.ts";
import { newRunId } from "../../src/lib/id.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { EnginePorts, RunCalendar } from "../../src/engine/ports.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Plan, PlanInput, PlannedStep } from "../../src/model/plan.ts";
import type { DeployTarget, NotificationChannel } from "../../src/model/ports.ts";
import type { Run } from "../../src/model/run.ts";
import type { SignalBody } from "../../src/model/signal.ts";
import type { SignalSource } from "../../src/model/signal-source.ts";
import type { FailureToCure, StepContext, StepKind } from "../../src/model/step-kind.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import { readLock, unlock } from "../../src/store/locks.ts";
import { createRun, findRun, listEvents, sendSignal } from "../../src/store/runs.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";
import { samplePlan, type TestState } from "./state.ts";

/** A step kind whose effects are counted, and that does what a test tells it to. */
export interface Script {
  observe?: () => "done" | "absent" | "unknown";
  act?: (
    signal: AbortSignal,
    context: StepContext<JsonObject>,
  ) => Promise<"done" | "failed"> | "done" | "failed";
  undo?: () => Undone | Promise<Undone>;
  cured?: (context: StepContext<JsonObject>, failure: FailureToCure) => Promise<Verdict>;
  /** What act returns beside its outcome. */
  result?: JsonObject;
}

type Undone = "done" | "failed" | "unreachable";

/** No window is closed and nothing is frozen. */
const alwaysOpen: RunCalendar = {
  isEmergencyOn: async () => true,
  standing: async ({ createdAt }) => ({
    at: createdAt.toISOString(),
    isOpen: true,
    text: "open",
    closedBy: [],
    zone: "UTC",
  }),
  freezesNow: async () => [],
};

let worlds = 0;

export class EngineWorld {
  /** One for each world: what happens in one locks no environment of another. */
  readonly project = `sample-${++worlds}`;
  /** What happened, in order: "act a", "undo a". */
  readonly effects: string[] = [];
  readonly scripts: Record<string, Script> = {};
  target: DeployTarget = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] });
  /** What the scripted kind says that its plan depends on. */
  inputs: PlanInput[] = [];
  /** The runbook's, by id. */
  channels: Record<string, NotificationChannel> = {};
  /** Measured series by name. */
  sources: Record<string, SignalSource> = {};
  /** Step kinds beside the scripted one, by name. */
  kinds: Record<string, StepKind> = {};
  clock: Clock = systemClock;
  /** Writes the head of the log down outside; why it failed, when it did. */
  anchor: EnginePorts["anchor"] = async () => undefined;
  /** Public address of the environment. */
  url = "http://127.0.0.1:1/";
  readonly redactor = new Redactor();
  /** How long the end state is looked at before it counts as unknown or contradicted. */
  patienceMs = 15_000;
  secondRollbackMs = 600_000;
  calendar: RunCalendar = alwaysOpen;
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
      project: this.project,
      ...change,
    });
    const id = newRunId(new Date());
    await createRun(this.state.pool, { id, plan, context: {}, startedBy: "mia" });
    return id;
  }

  ports(workerId = "worker"): EnginePorts {
    return {
      journal: this.state.journal,
      clock: this.clock,
      workerId,
      stepKind: (kind) => (kind === "scripted" ? this.#kind() : this.kinds[kind]),
      openEnvironment: async () => ({
        view: {
          name: "production",
          url: this.url,
          protected: false,
          database: undefined,
          variables: {},
        },
        target: this.target,
        sources: this.sources,
        channels: this.channels,
        scratch: { createDatabase: () => Promise.reject(new Error("not used here")) },
        secret: (reference) => new Secret("value", reference),
        variables: () => ({}),
        redactor: this.redactor,
        projectDirectory: this.#directory,
        runDirectory: this.#directory,
        keepServing: async () => undefined,
        close: async () => undefined,
      }),
      probe: async () => ({ state: "answered", status: 200, release: undefined }),
      log: () => undefined,
      anchor: (id, signal) => this.anchor(id, signal),
      patienceMs: this.patienceMs,
      calendar: this.calendar,
      secondRollbackMs: this.secondRollbackMs,
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

  /** Lets deploys in again after a run was rolled back by itself. False when it was not locked. */
  async unlock(): Promise<boolean> {
    const lock = await readLock(this.state.pool, this.project, "production");
    return lock !== undefined && unlock(this.state.pool, lock, uncheckedActor("ann"), "it was the provider");
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
      act: async (context) => {
        const { stepId, signal } = context;
        const outcome = (await scriptOf(stepId).act?.(signal, context)) ?? "done";
        if (outcome === "done") this.effects.push(`act ${stepId}`);
        return {
          outcome,
          reason: `act said ${outcome}`,
          result: { from: stepId, ...scriptOf(stepId).result },
        };
      },
      ...(Object.values(this.scripts).some(({ cured }) => cured !== undefined)
        ? { cured: (context, failure) => this.scripts[context.stepId]!.cured!(context, failure) }
        : {}),
      undo: async ({ stepId }) => {
        const outcome = (await scriptOf(stepId).undo?.()) ?? "done";
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
