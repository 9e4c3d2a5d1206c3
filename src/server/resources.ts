import { followUpName, isOverdue, type FollowUp } from "../model/follow-up.ts";
import { freezeName, type DeclaredFreeze } from "../model/freeze.ts";
import type { Actor } from "../model/actor.ts";
import { emergencyName, type Emergency } from "../model/emergency.ts";
import type { Override } from "../model/override.ts";
import type { ApiToken, User } from "../model/people.ts";
import type { Attempt, RunEvent } from "../model/run.ts";
import type { ListedRun } from "../model/run-list.ts";
import type { FreezeResource, TaskResource } from "./contract/environment.ts";
import type { EmergencyResource, OverrideResource } from "./contract/word.ts";
import type { AttemptResource, EventResource, RunSummary } from "./contract/run.ts";
import type { TokenResource, UserResource } from "./contract/session.ts";

/** What the API shows of the nouns: times as ISO 8601, and nothing that is nobody's business. */

export function runSummary(run: ListedRun): RunSummary {
  const { verdict, endState, outcome, waitingFor, previousRelease } = run;
  return {
    id: run.id,
    environment: run.environment,
    release: run.release,
    ...(previousRelease === undefined ? {} : { previousRelease }),
    purpose: run.purpose,
    planHash: run.planHash,
    isEmergency: run.isEmergency,
    state: run.state,
    ...(outcome === undefined ? {} : { outcome }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(endState === undefined ? {} : { endState }),
    ...(waitingFor === undefined ? {} : { waitingFor }),
    createdAt: run.createdAt.toISOString(),
    createdBy: run.createdBy,
    ...times({ startedAt: run.startedAt, zeroAt: run.zeroAt, endedAt: run.endedAt }),
  };
}

export function eventResource(event: RunEvent): EventResource {
  return { ...event, at: event.at.toISOString() };
}

export function attemptResource({ begunAt, endedAt, ...attempt }: Attempt): AttemptResource {
  return { ...attempt, begunAt: begunAt.toISOString(), ...times({ endedAt }) };
}

export function freezeResource(freeze: DeclaredFreeze): FreezeResource {
  const { environment, reason, by, at, from, until } = freeze;
  return {
    name: freezeName(freeze),
    ...(environment === undefined ? {} : { environment }),
    reason,
    by,
    at: at.toISOString(),
    from: from.toISOString(),
    until: until.toISOString(),
  };
}

export function taskResource(task: FollowUp, now: Date): TaskResource {
  const { environment, run, text, owner, origin, evidence, openedAt, dueAt, remindedAt } = task;
  return {
    name: followUpName(task),
    environment,
    ...(run === undefined ? {} : { run }),
    text,
    ...(owner === undefined ? {} : { owner }),
    origin,
    evidence,
    openedAt: openedAt.toISOString(),
    dueAt: dueAt.toISOString(),
    ...times({ remindedAt }),
    isOverdue: isOverdue(task, now),
  };
}

export function userResource({ createdAt, disabledAt, ...user }: User): UserResource {
  return { ...user, createdAt: createdAt.toISOString(), ...times({ disabledAt }) };
}

export function tokenResource(token: ApiToken): TokenResource {
  const { id, name, owner, kind, roles, createdAt, createdBy, expiresAt, lastUsedAt, revokedAt } = token;
  return {
    id,
    name,
    owner,
    kind,
    roles,
    createdAt: createdAt.toISOString(),
    createdBy,
    expiresAt: expiresAt.toISOString(),
    ...times({ lastUsedAt, revokedAt }),
  };
}

export function overrideResource({
  id,
  environment,
  gate,
  by,
  identity,
  reason,
  at,
  until,
}: Override): OverrideResource {
  return {
    id,
    environment,
    gate,
    by,
    ...(identity === undefined ? {} : { identity: withoutEmails(identity) }),
    reason,
    at: at.toISOString(),
    until: until.toISOString(),
  };
}

export function emergencyResource(emergency: Emergency): EmergencyResource {
  const { id, environment, by, reason, at, until } = emergency;
  const name = emergencyName(emergency);
  return { id, name, environment, by, reason, at: at.toISOString(), until: until.toISOString() };
}

/** E-mails are for those who see users. */
export function withoutEmails(actor: Actor): Actor {
  return { ...actor, emails: [] };
}

export function whoResource({ name, kind, roles, checked }: Actor) {
  return { name, kind, roles, checked: checked.by };
}

function times<Name extends string>(named: Record<Name, Date | undefined>): Partial<Record<Name, string>> {
  const known = Object.entries<Date | undefined>(named).filter(([, at]) => at !== undefined);
  return Object.fromEntries(known.map(([name, at]) => [name, at!.toISOString()])) as Partial<
    Record<Name, string>
  >;
}
