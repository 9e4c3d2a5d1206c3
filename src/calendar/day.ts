import type { Weekday } from "../model/weekday.ts";

/** A day of the Gregorian calendar, in no zone. */
export interface Day {
  /** Days since 1970-01-01. */
  number: number;
  year: number;
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
  weekday: Weekday;
}

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_ZERO = 3;

export function dayOf(number: number): Day {
  const date = new Date(number * DAY_MS);
  return {
    number,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: ((((number + WEEKDAY_OF_ZERO) % 7) + 7) % 7) + 1,
  };
}

/** The number of a day. One that the month lacks is counted on into the next. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

/** The number of "2026-12-31". */
export function dayNumberOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

/** "2026-12-31". */
export function dateText(number: number): string {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}

export function daysInMonth(year: number, month: number): number {
  return dayNumber(year, month + 1, 1) - dayNumber(year, month, 1);
}

export function daysInYear(year: number): number {
  return dayNumber(year + 1, 1, 1) - dayNumber(year, 1, 1);
}
