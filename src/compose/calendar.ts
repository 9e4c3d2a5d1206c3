import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { PastDeploy } from "../calendar/admission.ts";
import type { Calendar } from "../calendar/calendar.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import type { CalendarRules, DeployWindow } from "../model/calendar.ts";
import { freezeName, type DeclaredFreeze } from "../model/freeze.ts";
import type { WindowStanding } from "../model/window-standing.ts";
import { resolveEnvironment } from "../runbook/resolve.ts";
import { openFreezes, pastDeploys } from "../store/freezes.ts";
import type { Pool } from "../store/pool.ts";
import type { Project } from "./project.ts";

const MAX_FILE_BYTES = 1024 * 1024;

/** Where the freezes that people declared and the deploys of the past are found; undefined where there is no state yet. */
export interface CalendarPlace {
  pool: Pool | undefined;
  project: string;
  environment: string;
}

/** What the runbook says about when deploys may begin, the .ics files read. Errors: ENVIRONMENT_UNKNOWN, CALENDAR_INVALID. */
export async function readRules({ runbook, directory }: Project, name: string): Promise<CalendarRules> {
  const { windows, limits, freezes } = resolveEnvironment(runbook, name);
  const events: CalendarRules["events"] = {};
  for (const window of windows)
    if (window.ics !== undefined) events[window.id] = await readEvents(directory, window.ics, window);
  return { windows, limits, freezes, events };
}

/** The freezes that people declared and that are not over. Errors: STATE_UNAVAILABLE. */
export async function freezesIn({ pool, project, environment }: CalendarPlace): Promise<DeclaredFreeze[]> {
  return pool === undefined ? [] : openFreezes(pool, project, environment);
}

/** The calendar of an environment with the freezes that people declared. */
export async function openCalendar(
  rules: CalendarRules,
  declared: readonly DeclaredFreeze[],
): Promise<Calendar> {
  const { Calendar } = await import("../calendar/calendar.ts");
  return new Calendar(rules, declared.map(spanOf));
}

/** Whether a deploy may begin at an instant, and when otherwise. Errors: STATE_UNAVAILABLE. */
export async function standingOf(
  { limits }: CalendarRules,
  calendar: Calendar,
  place: CalendarPlace,
  now: Date,
): Promise<WindowStanding> {
  const { admit } = await import("../calendar/admission.ts");
  const { reasonText, standingText } = await import("../calendar/standing-text.ts");
  const at = now.getTime();
  const admission = admit(calendar, limits, await deploysFor(limits, place), at);
  const { isOpen, closedBy, opensAt, closesAt } = admission;
  const zone = calendar.zones[0] ?? "UTC";
  return {
    at: now.toISOString(),
    isOpen,
    text: standingText(admission, at, zone),
    ...(isOpen ? {} : { reason: reasonText(admission) }),
    closedBy,
    ...(opensAt === undefined ? {} : { opensAt: new Date(opensAt).toISOString() }),
    ...(closesAt === undefined ? {} : { closesAt: new Date(closesAt).toISOString() }),
    zone,
  };
}

/** The deploys of the past that the limits count; none are read when there are no limits. */
async function deploysFor(
  { perWindow, gap }: CalendarRules["limits"],
  { pool, project, environment }: CalendarPlace,
): Promise<PastDeploy[]> {
  if (pool === undefined || (perWindow === undefined && gap === undefined)) return [];
  const past = await pastDeploys(pool, project, environment);
  return past.map(({ startedAt, endedAt }) => ({
    startedAt: startedAt.getTime(),
    ...(endedAt === undefined ? {} : { endedAt: endedAt.getTime() }),
  }));
}

/** Whether anything can keep deploys out of the environment but freezes that people declare. */
export function hasRules({ windows, freezes, limits }: CalendarRules): boolean {
  return windows.length > 0 || freezes.length > 0 || Object.keys(limits).length > 0;
}

function spanOf(freeze: DeclaredFreeze): { id: string; reason: string; start: number; end: number } {
  const { reason, by, from, until } = freeze;
  return {
    id: freezeName(freeze),
    reason: `${reason}, declared by ${by}`,
    start: from.getTime(),
    end: until.getTime(),
  };
}

async function readEvents(
  directory: string,
  file: string,
  { zone }: DeployWindow,
): Promise<CalendarRules["events"][string]> {
  const { readIcs } = await import("../calendar/read-ics.ts");
  return readIcs(await readLimited(resolve(directory, file), file), { file, zone });
}

async function readLimited(path: string, file: string): Promise<string> {
  try {
    await using handle = await open(path);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_FILE_BYTES + 1));
    if (bytesRead <= MAX_FILE_BYTES) return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    throw new TminusError("CALENDAR_INVALID", `${file} could not be read: ${toErrorRecord(error).message}`, {
      cause: error,
    });
  }
  throw new TminusError("CALENDAR_INVALID", `${file} is larger than 1 MiB`);
}
