import { tmpdir } from "node:os";
import type { AnyGateKind } from "../../src/gates/define.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import type { GateContext } from "../../src/model/gate-kind.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";

export interface GateContextOptions {
  projectDirectory?: string;
  url?: string;
  secrets?: Record<string, string>;
  signal?: AbortSignal;
  processEnvironment?: Record<string, string>;
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
    projectDirectory: options.projectDirectory ?? tmpdir(),
    environment: { url: options.url ?? "http://127.0.0.1:9" },
    secrets: options.secrets ?? {},
  });
  return {
    ...world.planContext(kind.schema.parse(settings), options.signal),
    redact: (text) => redactor.redact(text),
    processEnvironment: options.processEnvironment ?? { PATH: process.env.PATH ?? "" },
    progress: () => undefined,
  };
}
