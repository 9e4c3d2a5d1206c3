import type { StepKind } from "../model/step-kind.ts";
import type { ResolvedRunbook } from "../runbook/resolve.ts";

/**
 * The part of a runbook that goes back to an earlier release: bring it up, give it all traffic at once, check
 * it, tell people. No gates, because going back is always allowed; no canary, because that release was live
 * before; no migrations, because an older release has older files. Requirement F2.
 */
export function rollbackRunbook(
  runbook: ResolvedRunbook,
  stepKind: (kind: string) => StepKind | undefined,
): ResolvedRunbook {
  const steps = runbook.stages.flatMap((stage) => stage.steps);
  const lastShift = steps.findLast(({ kind }) => kind === "app.shift");
  const stages = runbook.stages.map((stage) => ({
    ...stage,
    steps: stage.steps
      .filter(({ kind }) => stepKind(kind)?.inRollback === true)
      .filter((step) => step.kind !== "app.shift" || step === lastShift)
      .map(({ offsetMs: _offset, ...step }) => ({ ...step, offsetMs: undefined })),
  }));
  return { ...runbook, gates: [], stages: stages.filter(({ steps: kept }) => kept.length > 0) };
}
