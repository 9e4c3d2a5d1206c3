import { formatOffset } from "../lib/duration.ts";
import type { Plan } from "../model/plan.ts";
import { leadMs, momentsOf } from "../model/timeline.ts";

const SECOND_MS = 1_000;
const DAY_SECONDS = 86_400;

/** The steps that have a moment, in order, and when that is once T-0 is known; times are ISO 8601. */
export function timelineOf(
  plan: Plan,
  zeroAt: Date | undefined,
): { step: string; offset: string; at?: string }[] {
  const zeroMs = zeroMsOf(plan, zeroAt);
  return momentsOf(plan).map(({ step, offsetMs }) => ({
    step,
    offset: formatOffset(offsetMs),
    ...(zeroMs === undefined ? {} : { at: new Date(zeroMs + offsetMs).toISOString() }),
  }));
}

/** T-0 as it came about, or as it was scheduled. */
function zeroMsOf({ scheduled }: Pick<Plan, "scheduled">, zeroAt: Date | undefined): number | undefined {
  return zeroAt?.getTime() ?? (scheduled && Date.parse(scheduled.zeroAt));
}

/** The times of a plan for people; without a schedule as they are when it begins at the time it was made. */
export function timelineLines(plan: Plan): string[] {
  const moments = momentsOf(plan);
  if (moments.length === 0) return [];
  const { scheduled } = plan;
  const zone = scheduled?.zone ?? "UTC";
  const zeroMs =
    scheduled === undefined ? Date.parse(plan.createdAt) + leadMs(plan) : Date.parse(scheduled.zeroAt);
  const head =
    scheduled === undefined ? "timeline, if it begins at once: T-0 at the earliest" : "timeline: T-0";
  return [
    `${head} ${dateText(zeroMs, zone)} ${wallText(zeroMs, zone)}`,
    ...moments.map(
      ({ step, offsetMs }) => `${countText(offsetMs)} ${wallText(zeroMs + offsetMs, zone)} ${step}`,
    ),
  ];
}

/**
 * "T-12:30 next: backup at T-10:00 (09:50 EST)": how far it is to T-0 or past it, and the step whose moment comes next.
 * Undefined without a timeline, before T-0 is known, and when no moment is left.
 */
export function countdownText(
  plan: Pick<Plan, "stages" | "scheduled">,
  zeroAt: Date | undefined,
  now: Date,
): string | undefined {
  const zeroMs = zeroMsOf(plan, zeroAt);
  if (zeroMs === undefined) return undefined;
  const sinceMs = now.getTime() - zeroMs;
  const next = momentsOf(plan).find(({ offsetMs }) => offsetMs > sinceMs);
  if (next === undefined) return undefined;
  const zone = plan.scheduled?.zone ?? "UTC";
  const atMs = zeroMs + next.offsetMs;
  const date = dateText(atMs, zone) === dateText(now.getTime(), zone) ? "" : `${dateText(atMs, zone)} `;
  return `${countText(sinceMs)} next: ${next.step} at ${countText(next.offsetMs)} (${date}${wallText(atMs, zone)})`;
}

/** "T-12:30", "T+1:00:00", "T-3d 04:00:00"; "T-0" within a second of it. */
function countText(offsetMs: number): string {
  // Before T-0 what is left counts, so that 0:00 is not shown while there is something left.
  const seconds = offsetMs < 0 ? Math.ceil(-offsetMs / SECOND_MS) : Math.floor(offsetMs / SECOND_MS);
  if (seconds === 0) return "T-0";
  const sign = offsetMs < 0 ? "-" : "+";
  const days = Math.floor(seconds / DAY_SECONDS);
  const [hours, minutes, rest] = [
    Math.floor((seconds % DAY_SECONDS) / 3_600),
    Math.floor((seconds % 3_600) / 60),
    seconds % 60,
  ];
  const clock = `${two(minutes)}:${two(rest)}`;
  if (days > 0) return `T${sign}${days}d ${two(hours)}:${clock}`;
  return hours > 0 ? `T${sign}${hours}:${clock}` : `T${sign}${clock}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** "09:50 EST" */
function wallText(ms: number, zone: string): string {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).format(ms);
}

/** "2026-12-01" */
function dateText(ms: number, zone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(ms);
}
