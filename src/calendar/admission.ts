import { parseDuration } from "../lib/duration.ts";
import type { DeployLimits } from "../model/calendar.ts";
import type { Calendar, Standing } from "./calendar.ts";

/** When a deploy changed the environment; ms since 1970. */
export interface PastDeploy {
  startedAt: number;
  /** Undefined while it goes on. */
  endedAt?: number;
}

export interface Admission extends Standing {
  /** Which limit keeps deploys out although the calendar is open, as a sentence part. */
  limit?: string;
}

/** Each round moves to a later time; more of them than there are openings in two years mean never. */
const MAX_ROUNDS = 1_000;

/** Whether a deploy may begin, by the calendar and by the limits, and when otherwise. */
export function admit(
  calendar: Calendar,
  limits: DeployLimits,
  deploys: readonly PastDeploy[],
  at: number,
): Admission {
  const standing = calendar.at(at);
  const limit = standing.isOpen ? limitAt(calendar, limits, deploys, at) : undefined;
  if (standing.isOpen && limit === undefined) return standing;
  const { closedBy, openBy } = standing;
  const opensAt = earliest(calendar, limits, deploys, at);
  const closesAt = opensAt === undefined ? undefined : calendar.at(opensAt).closesAt;
  return {
    isOpen: false,
    closedBy,
    openBy,
    ...(limit === undefined ? {} : { limit: limit.text }),
    ...(opensAt === undefined ? {} : { opensAt }),
    ...(closesAt === undefined ? {} : { closesAt }),
  };
}

function earliest(
  calendar: Calendar,
  limits: DeployLimits,
  deploys: readonly PastDeploy[],
  from: number,
): number | undefined {
  let at = from;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const opening = calendar.nextOpening(at);
    if (opening === undefined) return undefined;
    const limit = limitAt(calendar, limits, deploys, opening.start);
    if (limit === undefined) return opening.start;
    at = limit.until;
  }
  return undefined;
}

interface Limit {
  text: string;
  until: number;
}

function limitAt(
  calendar: Calendar,
  { perWindow, gap }: DeployLimits,
  deploys: readonly PastDeploy[],
  at: number,
): Limit | undefined {
  const gapMs = gap === undefined ? 0 : (parseDuration(gap) ?? 0);
  const lastEnd = Math.max(...deploys.flatMap(({ endedAt }) => endedAt ?? []), -Infinity);
  if (at < lastEnd + gapMs)
    return { text: `the last deploy ended less than ${gap} ago`, until: lastEnd + gapMs };
  const opening = perWindow === undefined ? undefined : calendar.openingAround(at);
  if (perWindow === undefined || opening === undefined) return undefined;
  const begun = deploys.filter(
    ({ startedAt }) => startedAt >= opening.start && startedAt < opening.end,
  ).length;
  if (begun < perWindow) return undefined;
  const text = `${perWindow} deploy${perWindow === 1 ? "" : "s"} of this opening of the windows ${perWindow === 1 ? "has" : "have"} begun already`;
  return { text, until: opening.end };
}
