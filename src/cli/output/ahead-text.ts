import type { Plan } from "../../model/plan.ts";
import type { Run } from "../../model/run.ts";
import { clean } from "../../report/text.ts";

const MAX_LINES = 5;

/**
 * Which runs a run with this plan would wait behind, for what these wait, and how each is cancelled. `active`: of the
 * environment, oldest first. Nothing for what passes them: going back, and a deploy in an emergency.
 */
export function aheadText({ purpose, emergency }: Plan, active: readonly Run[]): string[] {
  if (purpose !== "deploy" || emergency !== undefined) return [];
  const lines = active.slice(0, MAX_LINES).map(lineOf);
  const more = active.length - lines.length;
  return more > 0 ? [...lines, `and behind ${more} more: tminus status`] : lines;
}

function lineOf({ id, plan, createdBy, state, waitingFor }: Run): string {
  const until = waitingFor?.until === undefined ? "" : ` until ${waitingFor.until}`;
  const waits = waitingFor === undefined ? state : `it waits${until}: ${waitingFor.text}`;
  return clean(
    `waits behind run ${id} (release ${plan.release}, started by ${createdBy}; ${waits}); look at it: tminus watch ${id}; cancel it: tminus abort ${id}`,
  );
}
