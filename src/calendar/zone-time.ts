import { Temporal } from "temporal-polyfill";
import { TminusError } from "../errors.ts";

/** A time of day on a wall somewhere, to the second. `second` may go beyond one day. */
export interface WallTime {
  /** Days since 1970-01-01. */
  day: number;
  second: number;
}

const DAY_SECONDS = 86_400;
const SECOND_MS = 1_000;

/**
 * The first instant, in ms since 1970, at which the clocks of the zone show the time or a later one of that day: where
 * they show it twice the first, where they skip it the moment of the change.
 */
export function firstInstant(time: WallTime, zone: string): number {
  const wall = wallOf(time);
  const earlier = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  return isSkipped(time, earlier) ? changeAfter(earlier) : earlier.epochMilliseconds;
}

/**
 * The instant that follows the last one at which the clocks of the zone show an earlier time than this: where they show
 * times before it twice, after the second of them; where they skip it, the moment of the change.
 */
export function endInstant(time: WallTime, zone: string): number {
  const before = { day: time.day, second: time.second - 1 };
  const wall = wallOf(before);
  const earlier = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  if (isSkipped(before, earlier)) return changeAfter(earlier);
  return wall.toZonedDateTime(zone, { disambiguation: "later" }).epochMilliseconds + SECOND_MS;
}

/** What the clocks of the zone show at an instant, in whole seconds. */
export function wallTimeAt(ms: number, zone: string): WallTime {
  const seconds = Math.floor(
    wallMs(Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone)) / SECOND_MS,
  );
  const day = Math.floor(seconds / DAY_SECONDS);
  return { day, second: seconds - day * DAY_SECONDS };
}

/** "Tue 2026-12-01 10:00 America/New_York" at an instant. */
export function zonedText(ms: number, zone: string): string {
  const { day, second } = wallTimeAt(ms, zone);
  const text = new Date((day * DAY_SECONDS + second) * SECOND_MS).toISOString();
  const weekday = new Intl.DateTimeFormat("en", { weekday: "short", timeZone: zone }).format(ms);
  return `${weekday} ${text.slice(0, 10)} ${text.slice(11, 16)} ${zone}`;
}

function wallOf({ day, second }: WallTime): Temporal.PlainDateTime {
  const at = new Date((day * DAY_SECONDS + second) * SECOND_MS);
  return new Temporal.PlainDateTime(
    at.getUTCFullYear(),
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
  );
}

/** What the clocks show, as if it were UTC. */
function wallMs({ epochMilliseconds, offsetNanoseconds }: Temporal.ZonedDateTime): number {
  return epochMilliseconds + offsetNanoseconds / 1_000_000;
}

/** Whether the clocks never show the time: it was resolved to another one. */
function isSkipped({ day, second }: WallTime, resolved: Temporal.ZonedDateTime): boolean {
  return wallMs(resolved) !== (day * DAY_SECONDS + second) * SECOND_MS;
}

function changeAfter(time: Temporal.ZonedDateTime): number {
  const change = time.getTimeZoneTransition("next");
  if (change === null)
    throw new TminusError("INTERNAL", `${time.toString()} is before a change that is not there`);
  return change.epochMilliseconds;
}
