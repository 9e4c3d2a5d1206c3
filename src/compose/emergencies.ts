import { TminusError } from "../errors.ts";
import type { Actor } from "../model/actor.ts";
import {
  EMERGENCY_UNPLANNED,
  emergencyName,
  MAKE_GOOD_MS,
  type Emergency,
  type EmergencySettings,
} from "../model/emergency.ts";
import { whyNotEmergency } from "../model/own-word.ts";
import type { Plan } from "../model/plan.ts";
import type { Tminus } from "../model/tminus.ts";
import { resolveEnvironment, type ResolvedEnvironment } from "../runbook/resolve.ts";
import { activeEmergencies, declareEmergency, endEmergencies } from "../store/emergencies.ts";
import { openFollowUp } from "../store/follow-ups.ts";
import { hasUsers } from "../store/people.ts";
import { findPool, type StatePlace } from "./state-place.ts";
import type { Project } from "./project.ts";
import { checkLength } from "./timed-word.ts";

type EmergencyCalls = Pick<Tminus, "declareEmergency" | "emergencies" | "endEmergencies">;

/** What people do about emergencies. */
export function openEmergencies(project: Project, place: StatePlace): EmergencyCalls {
  return {
    async declareEmergency(wanted, actor) {
      keptInEmergency(resolveEnvironment(project.runbook, wanted.environment));
      checkLength(wanted.forMs, "an emergency cannot be declared");
      const { pool } = await place.state();
      checkActor(actor, await hasUsers(pool));
      return declareEmergency(pool, place.project, wanted, actor);
    },
    emergencies: (environment) => findEmergencies(place, environment),
    async endEmergencies(environment, actor) {
      const { pool } = await place.state();
      return endEmergencies(pool, place.project, environment, actor);
    },
  };
}

/** The emergency on which a plan is to rest: the newest that holds. Errors: USAGE_INVALID, STATE_UNAVAILABLE. */
export async function emergencyOf(place: StatePlace, environment: string): Promise<Emergency> {
  const found = (await findEmergencies(place, environment)).at(-1);
  if (found !== undefined) return found;
  throw new TminusError("USAGE_INVALID", `no emergency is declared for ${environment}`, {
    hint: `Have somebody else declare it who answers for it: tminus emergency --env ${environment} --for 2h --reason "<why>"`,
  });
}

/** Refuses a run whose plan rests on an emergency that is over or was ended. Errors: PLAN_STALE, STATE_UNAVAILABLE. */
export async function checkEmergency(
  place: StatePlace,
  { emergency, environment: { name } }: Plan,
): Promise<void> {
  if (emergency === undefined) return;
  const holds = (await findEmergencies(place, name)).some(({ id }) => id === emergency.id);
  if (!holds) throw new TminusError("PLAN_STALE", `emergency ${emergencyName(emergency)} is over`);
}

/**
 * What has to be done after a run that rests on an emergency: once per emergency, however often it is called. Before the run
 * is made, so that none is without it.
 */
export async function openMakingGood(
  { state, project }: StatePlace,
  { emergency, environment, release }: Plan,
  now: Date,
): Promise<void> {
  if (emergency === undefined) return;
  const name = emergencyName(emergency);
  const skipped =
    emergency.leftOut.length === 0 ? "" : ` make good what was left out (${emergency.leftOut.join(", ")});`;
  const text = `after emergency ${name} (release ${release}):${skipped} bring the branch back where it is missing: tminus merge-back`;
  const { pool } = await state();
  await openFollowUp(pool, {
    project,
    environment: environment.name,
    text,
    owner: emergency.by,
    dueAt: new Date(now.getTime() + MAKE_GOOD_MS),
    origin: `emergency ${name}`,
  });
}

/** Makes no state where there was none: nothing is declared there. */
async function findEmergencies(place: StatePlace, environment: string | undefined): Promise<Emergency[]> {
  const pool = await findPool(place);
  return pool === undefined ? [] : activeEmergencies(pool, place.project, environment);
}

/** What is kept of the runbook. Errors: USAGE_INVALID where it does not say. */
export function keptInEmergency({ name, emergency }: ResolvedEnvironment): EmergencySettings {
  if (emergency !== undefined) return emergency;
  throw new TminusError("USAGE_INVALID", EMERGENCY_UNPLANNED, {
    hint: `Write it where it is reviewed: environments: { ${name}: { emergency: { keep: [<ids of gates and checklists>] } } }`,
  });
}

/** Where users exist, one of them has to answer for it: a person whose name was checked, and who may approve. */
function checkActor(actor: Actor, areUsers: boolean): void {
  const { name, checked } = actor;
  if (!areUsers) return;
  if (checked.by === "none") {
    throw new TminusError("IDENTITY_REFUSED", `nobody has checked who ${name} is`, {
      hint: "Sign in: set TMINUS_TOKEN, or add --login <name>.",
    });
  }
  const reason = whyNotEmergency(actor);
  if (reason !== undefined) throw new TminusError("APPROVAL_REFUSED", reason);
}
