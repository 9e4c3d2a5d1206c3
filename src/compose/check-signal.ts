import { TminusError } from "../errors.ts";
import type { Run } from "../model/run.ts";
import type { SignalBody } from "../model/signal.ts";
import { stepsOf } from "../model/plan.ts";

/**
 * Refuses a signal that could not have the effect its sender expects. What it cannot see (the run ends in the
 * same moment) the store refuses. Errors: RUN_ENDED, RUN_NOT_WAITING, APPROVAL_REFUSED.
 */
export function checkSignal(run: Run, body: SignalBody, actor: string): void {
  if (run.state === "ended")
    throw new TminusError("RUN_ENDED", `run ${run.id} ended: ${run.outcome ?? "unknown"}`);
  switch (body.kind) {
    case "approve":
    case "reject":
      requireKind(run, body.stepId, "approve");
      if (body.kind === "approve") requireApprover(run, body.planHash, actor);
      return;
    case "attest": {
      requireKind(run, body.stepId, "checklist");
      const step = stepsOf(run.plan).find(({ id }) => id === body.stepId);
      const items = Array.isArray(step?.with.items) ? step.with.items : [];
      if (!items.some((item) => isItem(item, body.item))) {
        throw new TminusError("RUN_NOT_WAITING", `step ${body.stepId} has no item ${body.item}`);
      }
      return;
    }
    case "resolve":
      if (run.waitingFor?.for !== "decision" || run.waitingFor.stepId !== body.stepId) {
        throw new TminusError(
          "RUN_NOT_WAITING",
          `run ${run.id} does not wait for a decision about ${body.stepId}`,
        );
      }
      return;
    case "hold":
      if (run.verdict !== undefined)
        throw new TminusError("RUN_NOT_WAITING", `run ${run.id} is being rolled back, which cannot be held`);
      return;
    case "abort":
    case "rollback":
      if (run.verdict !== undefined)
        throw new TminusError("RUN_NOT_WAITING", `run ${run.id} is being rolled back already`, {
          hint: `Look at it: tminus watch ${run.id}`,
        });
      return;
    case "resume":
      return;
  }
}

function requireKind(run: Run, stepId: string, kind: string): void {
  const step = stepsOf(run.plan).find(({ id }) => id === stepId);
  if (step?.kind !== kind)
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} has no ${kind} step ${stepId}`);
}

/** Requirement B10: bound to the plan, and not by the person who started it where the environment is protected. */
function requireApprover(run: Run, planHash: string, actor: string): void {
  if (planHash !== run.plan.hash) {
    throw new TminusError(
      "APPROVAL_REFUSED",
      `the approval is for plan ${planHash.slice(0, 12)}, the run has ${run.plan.hash.slice(0, 12)}`,
    );
  }
  if (run.plan.environment.protected && actor === run.createdBy) {
    throw new TminusError("APPROVAL_REFUSED", `${actor} started the run and cannot approve it`);
  }
}

function isItem(item: unknown, id: string): boolean {
  return typeof item === "object" && item !== null && "id" in item && item.id === id;
}
