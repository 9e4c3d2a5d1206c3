import { followUpName, isOverdue, type FollowUp } from "../model/follow-up.ts";
import { freezeName, type DeclaredFreeze } from "../model/freeze.ts";
import type { Actor } from "../model/actor.ts";
import { emergencyName, type Emergency } from "../model/emergency.ts";
import type { Override } from "../model/override.ts";
import type { ApiToken, User } from "../model/people.ts";
import type { Attempt, RunEvent } from "../model/run.ts";
import type { ListedRun } from "../model/run-list.ts";
import { freezeActions, taskActions, tokenActions, userActions, wordActions } from "./allowed-actions.ts";
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

export function freezeResource(freeze: DeclaredFreeze, who: Actor): FreezeResource {
  const { environment, reason, by, at, from, until } = freeze;
  return {
    name: freezeName(freeze),
    ...(environment === undefined ? {} : { environment }),
    reason,
    by,
    at: at.toISOString(),
    from: from.toISOString(),
    until: until.toISOString(),
    allowedActions: freezeActions(who),
  };
}

export function taskResource(task: FollowUp, now: Date, who: Actor): TaskResource {
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
    allowedActions: taskActions(who, task),
  };
}

export function userResource({ createdAt, disabledAt, ...user }: User, who: Actor): UserResource {
  return {
    ...user,
    createdAt: createdAt.toISOString(),
    ...times({ disabledAt }),
    allowedActions: userActions(who, user),
  };
}

export function tokenResource(token: ApiToken, who: Actor): TokenResource {
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
    allowedActions: tokenActions(who, token),
  };
}

export function overrideResource(override: Override, who: Actor): OverrideResource {
  const { id, environment, gate, by, identity, reason, at, until } = override;
  return {
    id,
    environment,
    gate,
    by,
    ...(identity === undefined ? {} : { identity: withoutEmails(identity) }),
    reason,
    at: at.toISOString(),
    until: until.toISOString(),
    allowedActions: wordActions(who),
  };
}

export function emergencyResource(emergency: Emergency, who: Actor): EmergencyResource {
  const { id, environment, by, reason, at, until } = emergency;
  return {
    id,
    name: emergencyName(emergency),
    environment,
    by,
    reason,
    at: at.toISOString(),
    until: until.toISOString(),
    allowedActions: wordActions(who),
  };
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
