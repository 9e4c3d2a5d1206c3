import { tmpdir } from "node:os";
import type { AnyGateKind } from "../../src/gates/define.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import type { GateContext } from "../../src/model/gate-kind.ts";
import type { PlanInput } from "../../src/model/plan.ts";
import type { Attempt, Run } from "../../src/model/run.ts";
import type { Scm } from "../../src/model/scm.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";

export interface GateContextOptions {
  projectDirectory?: string;
  stateDirectory?: string;
  url?: string;
  /** What the runbook says of the environment. */
  branch?: string;
  secrets?: Record<string, string>;
  signal?: AbortSignal;
  processEnvironment?: Record<string, string>;
  scm?: Scm;
  /** Of any environment, newest first. */
  runs?: readonly Run[];
  /** Of those runs. */
  attempts?: readonly Attempt[];
  inputs?: readonly PlanInput[];
  clock?: Clock;
  /** Everything else that the world of a step can be given. */
  world?: FakeStepWorldOptions;
}

/** What a gate is given, without a plan; the settings are parsed by the kind's schema. */
export function gateContext(
  kind: AnyGateKind,
  settings: JsonObject,
  options: GateContextOptions = {},
): GateContext<JsonObject> {
  const redactor = new Redactor();
  for (const [reference, value] of Object.entries(options.secrets ?? {}))
    redactor.add(new Secret(value, reference));
  const world = createFakeStepWorld({
    ...options.world,
    projectDirectory: options.projectDirectory ?? tmpdir(),
    environment: {
      url: options.url ?? "http://127.0.0.1:9",
      branch: options.branch,
      ...options.world?.environment,
    },
    secrets: options.secrets ?? {},
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  return {
    ...world.planContext(kind.schema.parse(settings), options.signal),
    stateDirectory: options.stateDirectory ?? tmpdir(),
    redact: (text) => redactor.redact(text),
    processEnvironment: options.processEnvironment ?? { PATH: process.env.PATH ?? "" },
    progress: () => undefined,
    scm: () => options.scm,
    runs: ({ environment, limit }) =>
      Promise.resolve((options.runs ?? []).filter((run) => run.environment === environment).slice(0, limit)),
    attempts: (runId) =>
      Promise.resolve((options.attempts ?? []).filter((attempt) => attempt.runId === runId)),
    inputs: options.inputs ?? [],
  };
}
