import type { Emergency } from "../model/emergency.ts";
import type { FollowUp } from "../model/follow-up.ts";
import { idOfFollowUp } from "../model/follow-up.ts";
import type { DeclaredFreeze } from "../model/freeze.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { EnvironmentLock } from "../model/lock.ts";
import type { Override } from "../model/override.ts";
import type { ApiToken, User } from "../model/people.ts";
import type { Attempt, Lease, Run, RunEvent } from "../model/run.ts";
import type { ListedRun } from "../model/run-list.ts";
import type { EnvironmentResource, FreezeResource, TaskResource } from "../server/contract/environment.ts";
import type { AttemptResource, EventResource, RunResource, RunSummary } from "../server/contract/run.ts";
import type { TokenResource, UserResource } from "../server/contract/session.ts";
import type { EmergencyResource, OverrideResource } from "../server/contract/word.ts";

/** What the API shows of the nouns, back to what they are: the reverse of server/resources.ts. */

export function runOf(resource: RunResource): Run {
  const { id, environment, plan, state, outcome, verdict, endState, waitingFor, starter } = resource;
  const { createdAt, createdBy, startedAt, zeroAt, endedAt } = resource;
  return {
    id,
    environment,
    plan,
    state,
    ...(known({ outcome, verdict, endState, waitingFor }) as Partial<Run>),
    createdAt: new Date(createdAt),
    createdBy,
    starter,
    ...dates({ startedAt, zeroAt, endedAt }),
  };
}

export function listedRunOf(summary: RunSummary): ListedRun {
  const { createdAt, startedAt, zeroAt, endedAt, ...rest } = summary;
  return { ...(rest as ListedRun), createdAt: new Date(createdAt), ...dates({ startedAt, zeroAt, endedAt }) };
}

export function eventOf({ at, data, ...event }: EventResource): RunEvent {
  return { ...event, at: new Date(at), data: data as { [key: string]: Json } };
}

export function attemptOf({ begunAt, endedAt, result, reason, error, ...attempt }: AttemptResource): Attempt {
  return {
    ...attempt,
    ...known({ reason, result: result as JsonObject | undefined, error }),
    begunAt: new Date(begunAt),
    ...dates({ endedAt }),
  };
}

export function freezeOf({ name, environment, at, from, until, reason, by }: FreezeResource): DeclaredFreeze {
  return {
    id: Number(name.slice(1)),
    ...known({ environment }),
    reason,
    by,
    at: new Date(at),
    from: new Date(from),
    until: new Date(until),
  };
}

export function followUpOf(task: TaskResource): FollowUp {
  const { name, environment, run, text, owner, origin, evidence, openedAt, dueAt, remindedAt } = task;
  return {
    id: idOfFollowUp(name) ?? Number.NaN,
    environment,
    ...known({ run }),
    text,
    ...known({ owner }),
    origin,
    evidence,
    openedAt: new Date(openedAt),
    dueAt: new Date(dueAt),
    ...dates({ remindedAt }),
  };
}

export function overrideOf(resource: OverrideResource): Override {
  const { at, until, identity, allowedActions: _, ...rest } = resource;
  return { ...rest, ...known({ identity }), at: new Date(at), until: new Date(until) };
}

export function emergencyOf({ id, environment, by, reason, at, until }: EmergencyResource): Emergency {
  return { id, environment, by, reason, at: new Date(at), until: new Date(until) };
}

export function lockOf({ name, lock }: EnvironmentResource): EnvironmentLock | undefined {
  if (lock === undefined) return undefined;
  const { stepId, at, ...rest } = lock;
  return { environment: name, ...rest, ...known({ stepId }), at: new Date(at) };
}

export function leaseOf({ name, worker }: EnvironmentResource): Lease | undefined {
  if (worker === undefined) return undefined;
  const { name: holder, runId, token, acquiredAt, heartbeatAt } = worker;
  const times = { acquiredAt: new Date(acquiredAt), heartbeatAt: new Date(heartbeatAt) };
  return { environment: name, runId, token, worker: holder, ...times };
}

export function userOf(resource: UserResource): User {
  const { createdAt, disabledAt, allowedActions: _, ...user } = resource;
  return { ...user, createdAt: new Date(createdAt), ...dates({ disabledAt }) };
}

export function tokenOf(resource: TokenResource): ApiToken {
  const { createdAt, expiresAt, lastUsedAt, revokedAt, allowedActions: _, ...token } = resource;
  return {
    ...token,
    createdAt: new Date(createdAt),
    expiresAt: new Date(expiresAt),
    ...dates({ lastUsedAt, revokedAt }),
  };
}

/** Without what is undefined. */
export function known<T extends object>(named: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(named).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}

function dates<Name extends string>(named: Record<Name, string | undefined>): Partial<Record<Name, Date>> {
  const entries = Object.entries<string | undefined>(named).filter(([, at]) => at !== undefined);
  return Object.fromEntries(entries.map(([name, at]) => [name, new Date(at!)])) as Partial<
    Record<Name, Date>
  >;
}
