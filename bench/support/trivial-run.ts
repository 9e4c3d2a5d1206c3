import * as z from "zod";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newRunId } from "../../src/lib/id.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import type { Journal } from "../../src/model/journal.ts";
import { planHash } from "../../src/model/plan-hash.ts";
import type { Plan, PlannedStep } from "../../src/model/plan.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
import type { Pool } from "../../src/store/pool.ts";
import { createRun } from "../../src/store/runs.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";

export interface TrivialRunOptions {
  pool: Pool;
  journal: Journal;
  /** How many steps that do nothing. */
  steps: number;
  /** Folder for the run's files. */
  directory: string;
  signal: AbortSignal;
}

/** Executes a run whose steps do nothing, as a worker would, to its end. Returns its id. */
export async function executeTrivialRun(options: TrivialRunOptions): Promise<string> {
  const id = newRunId(systemClock.now());
  await createRun(options.pool, { id, plan: planOf(options.steps), context: {}, startedBy: "bench" });
  await executeRun(id, portsOf(options), options.signal);
  return id;
}

function planOf(steps: number): Plan {
  const content: Omit<Plan, "hash" | "createdAt"> = {
    protocol: 1,
    project: "bench",
    purpose: "deploy",
    release: "v2",
    previousRelease: "v1",
    live: [{ release: "v1", percent: 100 }],
    environment: { name: "production", url: "http://127.0.0.1:1/", protected: false, targetKind: "fake" },
    rollback: { automatic: true, database: "keep", cureMs: 0 },
    inputs: [],
    gates: [],
    stages: [
      { id: "all", title: "All", risk: "low", success: [], steps: Array.from({ length: steps }, stepAt) },
    ],
    blocked: [],
  };
  return { ...content, hash: planHash(content), createdAt: systemClock.now().toISOString() };
}

function stepAt(_: unknown, index: number): PlannedStep {
  return {
    id: `step-${index}`,
    kind: "trivial",
    kindVersion: 1,
    title: `Step ${index}`,
    stage: "all",
    with: {},
    facts: null,
    summary: ["does nothing"],
    risk: "low",
    durationMs: 0,
    timeoutMs: 60_000,
    onFailure: "rollback",
    undo: { how: "none-needed", text: "does nothing" },
  };
}

const trivial: StepKind = {
  kind: "trivial",
  version: 1,
  inRollback: false,
  summary: "does nothing",
  requirements: [],
  schema: z.record(z.string(), z.json()),
  example: "",
  plan: () => ({
    summary: [],
    risk: "low",
    durationMs: 0,
    timeoutMs: 60_000,
    undo: { how: "none-needed", text: "it does nothing" },
    inputs: [],
    blocked: [],
  }),
  observe: async () => ({ state: "absent", reason: "it leaves no trace" }),
  act: async () => ({ outcome: "done", reason: "did nothing", result: { did: "nothing" } }),
};

function portsOf({ journal, directory }: TrivialRunOptions): EnginePorts {
  return {
    journal,
    clock: systemClock,
    workerId: "bench",
    patienceMs: 15_000,
    calendar: {
      isEmergencyOn: async () => true,
      standing: async () => ({ at: "", isOpen: true, text: "open", closedBy: [], zone: "UTC" }),
      freezesNow: async () => [],
    },
    secondRollbackMs: 600_000,
    stepKind: (kind) => (kind === trivial.kind ? trivial : undefined),
    openEnvironment: async () => ({
      view: {
        name: "production",
        url: "http://127.0.0.1:1/",
        protected: false,
        database: undefined,
        variables: {},
      },
      target: createFakeTarget({ routes: [{ release: "v1", percent: 100 }] }),
      sources: {},
      channels: {},
      scratch: { createDatabase: () => Promise.reject(new Error("not used here")) },
      secret: (reference) => new Secret("value", reference),
      variables: () => ({}),
      redactor: new Redactor(),
      projectDirectory: directory,
      runDirectory: directory,
      keepServing: async () => undefined,
      close: async () => undefined,
    }),
    probe: async () => ({ state: "answered", status: 200, release: undefined }),
    anchor: async () => undefined,
    log: () => undefined,
  };
}
