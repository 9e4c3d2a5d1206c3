import { TminusError, hasCode } from "../errors.ts";
import { suggest } from "../lib/did-you-mean.ts";
import type { Actor } from "../model/actor.ts";
import type { NewOverride, Override } from "../model/override.ts";
import type { Plan } from "../model/plan.ts";
import { gatesOf } from "../runbook/resolve.ts";
import { activeOverrides, addOverride } from "../store/overrides.ts";
import { findPool, type StatePlace } from "./state-place.ts";
import type { Project } from "./project.ts";
import { checkLength } from "./timed-word.ts";

/** Those that hold now. Makes no state where there was none: nothing is overridden there. Errors: STATE_UNAVAILABLE. */
export async function findOverrides(place: StatePlace, environment: string | undefined): Promise<Override[]> {
  const pool = await findPool(place);
  return pool === undefined ? [] : activeOverrides(pool, place.project, environment);
}

/** As findOverrides for a plan; none when the state does not answer, which blocks every plan of a deploy anyway. */
export function overridesOf(place: StatePlace, environment: string): Promise<Override[]> {
  return findOverrides(place, environment).catch((error: unknown) => {
    if (hasCode(error, "STATE_UNAVAILABLE")) return [];
    throw error;
  });
}

/** Errors: USAGE_INVALID, STATE_UNAVAILABLE. */
export async function override(
  { runbook }: Project,
  place: StatePlace,
  wanted: NewOverride,
  actor: Actor,
): Promise<Override> {
  const gates = gatesOf(runbook, wanted.environment).map(({ id }) => id);
  if (!gates.includes(wanted.gate)) {
    throw new TminusError("USAGE_INVALID", `${wanted.environment} has no gate ${wanted.gate}`, {
      hint: suggest(wanted.gate, gates, "Its gates are"),
    });
  }
  checkLength(wanted.forMs, "a gate cannot be overridden", " What lasts longer is a change of the runbook.");
  const { pool } = await place.state();
  return addOverride(pool, place.project, wanted, actor);
}

/** Refuses a run whose plan rests on a waiver that is over. Errors: PLAN_STALE. */
export function checkWaivers({ gates }: Plan, now: Date): void {
  for (const { id, waiver } of gates) {
    if (waiver === undefined) continue;
    if (Date.parse(waiver.until) <= now.getTime()) {
      throw new TminusError(
        "PLAN_STALE",
        `gate ${id} was let pass by ${waiver.by} until ${waiver.until} only`,
        {
          details: { gate: id, until: waiver.until },
        },
      );
    }
  }
}
