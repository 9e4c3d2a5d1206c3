import { parseDuration, writeDuration } from "../lib/duration.ts";
import {
  emergencyName,
  type Emergency,
  type EmergencySettings,
  type PlannedEmergency,
} from "../model/emergency.ts";
import type { JsonObject } from "../model/json.ts";
import type { GateResult } from "../model/plan.ts";
import type { ResolvedGate, ResolvedRunbook, ResolvedStep } from "../runbook/resolve.ts";

/** What a runbook becomes in an emergency. */
export interface EmergencyRunbook {
  runbook: ResolvedRunbook;
  planned: PlannedEmergency;
  /** Gates that are not asked, in the order of the runbook. */
  gates: ResolvedGate[];
}

/**
 * The runbook with the gates and checklists alone that the settings keep, and with its last watch made longer. Approvals,
 * backups, migrations and what else acts or looks stay as they are. Pure. Requirement B9.
 */
export function emergencyRunbook(
  runbook: ResolvedRunbook,
  { keep, watch }: EmergencySettings,
  emergency: Emergency,
): EmergencyRunbook {
  const steps = runbook.stages.flatMap((stage) => stage.steps);
  const isLeftOut = ({ id, kind }: ResolvedStep): boolean => kind === "checklist" && !keep.includes(id);
  const lastWatch = steps.findLast(({ kind }) => kind === "watch");
  const gates = runbook.gates.filter(({ id }) => !keep.includes(id));
  const stages = runbook.stages.map((stage) => ({
    ...stage,
    steps: stage.steps
      .filter((step) => !isLeftOut(step))
      .map((step) => (step === lastWatch ? watchLonger(step, parseDuration(watch)!) : step)),
  }));
  const { id, by, reason, until } = emergency;
  return {
    runbook: {
      ...runbook,
      gates: runbook.gates.filter((gate) => keep.includes(gate.id)),
      stages: stages.filter((stage) => stage.steps.length > 0),
    },
    planned: {
      id,
      by,
      reason,
      until: until.toISOString(),
      leftOut: [...gates, ...steps.filter(isLeftOut)].map((one) => one.id),
    },
    gates,
  };
}

/** What the plan says of the gates that were not asked: waived by whoever declared the emergency. */
export function leftOutResults({
  gates,
  planned,
}: Pick<EmergencyRunbook, "gates" | "planned">): GateResult[] {
  const { by, reason, until } = planned;
  return gates.map(({ id, kind, title }) => ({
    id,
    kind,
    title,
    verdict: "waived",
    reason: `not asked in emergency ${emergencyName(planned)}`,
    waiver: { by, reason, until, verdict: "unknown" },
    durationMs: 0,
  }));
}

/** A time limit of the step's own would end it sooner. */
function watchLonger(step: ResolvedStep, ms: number): ResolvedStep {
  return { ...step, timeoutMs: undefined, with: { ...step.with, ...longer(step.with, ms) } };
}

/** The watch's duration, or the end of its last stage. */
function longer({ duration, stages }: JsonObject, ms: number): JsonObject {
  const atLeast = (text: unknown): string => writeDuration(Math.max(ms, parseDuration(String(text)) ?? 0));
  const last = Array.isArray(stages) ? stages.at(-1) : undefined;
  if (!Array.isArray(stages) || typeof last !== "object" || last === null || Array.isArray(last))
    return { duration: atLeast(duration) };
  return { stages: [...stages.slice(0, -1), { ...last, until: atLeast(last.until) }] };
}
