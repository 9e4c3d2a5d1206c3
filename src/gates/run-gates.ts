import { hasCode } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { GateResult } from "../model/plan.ts";
import type { AnyGateKind } from "./define.ts";
import { gateKinds } from "./registry.ts";

/** A gate of the runbook with its placeholders resolved. */
export interface GateToRun {
  id: string;
  kind: string;
  title?: string | undefined;
  /** As written: the kind's schema fills in the defaults. */
  with: JsonObject;
}

/** What every gate is given beside its own settings. */
export interface RunGatesOptions extends Omit<GateContext<JsonObject>, "with"> {
  clock: Clock;
  /** Those of the registry when left out. */
  kinds?: Readonly<Record<string, AnyGateKind>>;
}

const PARALLEL = 4;
const MAX_EVIDENCE_BYTES = 64 * 1024;

/**
 * Runs all gates, four at a time, and reports every one in the order given: a gate that throws could not find
 * out, and is `unknown`. Throws only the signal's reason, when it aborts.
 */
export async function runGates(gates: readonly GateToRun[], options: RunGatesOptions): Promise<GateResult[]> {
  const results: GateResult[] = Array.from({ length: gates.length });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < gates.length && !options.signal.aborted; index = next++)
      results[index] = await runGate(gates[index]!, options);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, gates.length) }, work));
  options.signal.throwIfAborted();
  return results;
}

async function runGate(gate: GateToRun, options: RunGatesOptions): Promise<GateResult> {
  const startedMs = options.clock.monotonicMs();
  const { verdict, reason, fix, evidence } = await decide(gate, options);
  return {
    id: gate.id,
    kind: gate.kind,
    title: gate.title ?? gate.id,
    verdict,
    reason,
    ...(fix === undefined ? {} : { fix }),
    ...(evidence === undefined ? {} : { evidence: limited(evidence) }),
    durationMs: Math.round(options.clock.monotonicMs() - startedMs),
  };
}

/** Evidence goes into the plan, which people read and which is stored with every run. */
function limited(evidence: Json): Json {
  const bytes = Buffer.byteLength(JSON.stringify(evidence));
  return bytes <= MAX_EVIDENCE_BYTES ? evidence : { leftOut: `${bytes} bytes are too much for a plan` };
}

async function decide(gate: GateToRun, options: RunGatesOptions): Promise<GateVerdict> {
  const { kinds = gateKinds, ...shared } = options;
  const kind = Object.hasOwn(kinds, gate.kind) ? kinds[gate.kind] : undefined;
  if (kind === undefined) return { verdict: "unknown", reason: `there is no gate kind ${gate.kind}` };
  const parsed = kind.schema.safeParse(gate.with);
  if (!parsed.success)
    return { verdict: "unknown", reason: "its settings are not valid", fix: "correct its with: block" };
  try {
    const progress = (text: string): void => options.progress(`${gate.id}: ${text}`);
    return await kind.check({ ...shared, with: parsed.data, progress });
  } catch (error) {
    // Could not find out: a verdict of its own, which never passes. An abort is told by runGates.
    const message = error instanceof Error ? error.message : String(error);
    return {
      verdict: "unknown",
      reason: options.redact(message),
      ...(hasCode(error) ? { fix: error.hint } : {}),
    };
  }
}
