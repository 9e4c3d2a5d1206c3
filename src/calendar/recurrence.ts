import type { Recurrence } from "../model/recurrence.ts";
import { dayNumberOf, dayNumber, dayOf, daysInMonth, daysInYear, type Day } from "./day.ts";

/** How far ahead the last of COUNT starts is looked for: a hundred years. */
const MAX_COUNTED_DAYS = 36_525;

/**
 * Says whether a rule gives a day, counted from its first day: a first day that the rule does not give is none of its
 * days. UNTIL is followed here when it is a date; a time in it is for who knows the times of the days. RFC 5545, 3.3.10.
 */
export function recurrenceDays(rule: Recurrence, start: string): (day: Day) => boolean {
  const first = dayOf(dayNumberOf(start));
  const gives = (day: Day): boolean =>
    day.number >= first.number && isInPeriod(rule, first, day) && isNamed(rule, first, day);
  const last = Math.min(lastCounted(rule, first, gives), lastUntil(rule));
  return (day) => day.number <= last && gives(day);
}

function lastUntil({ until }: Recurrence): number {
  if (until === undefined) return Infinity;
  // The instant may be on another day there; it is looked at by itself.
  return dayNumberOf(until.text.slice(0, 10)) + (until.as === "instant" ? 1 : 0);
}

function lastCounted({ count }: Recurrence, first: Day, gives: (day: Day) => boolean): number {
  if (count === undefined) return Infinity;
  let left = count;
  for (let number = first.number; number <= first.number + MAX_COUNTED_DAYS; number++) {
    if (gives(dayOf(number)) && --left === 0) return number;
  }
  return Infinity; // not in a hundred years
}

/** Whether INTERVAL leaves the day's period in. */
function isInPeriod({ frequency, interval, weekStart }: Recurrence, first: Day, day: Day): boolean {
  switch (frequency) {
    case "DAILY":
      return (day.number - first.number) % interval === 0;
    case "WEEKLY": {
      const weekOf = ({ number, weekday }: Day): number => (number - ((weekday - weekStart + 7) % 7)) / 7;
      return Math.round(weekOf(day) - weekOf(first)) % interval === 0;
    }
    case "MONTHLY":
      return ((day.year - first.year) * 12 + day.month - first.month) % interval === 0;
    case "YEARLY":
      return (day.year - first.year) % interval === 0;
  }
}

/** Whether the parts that name days name this one; what they leave open is as on the first day. */
function isNamed(rule: Recurrence, first: Day, day: Day): boolean {
  const { frequency, byDay, byMonth, byMonthDay } = rule;
  if (byMonth.length > 0 && !byMonth.includes(day.month)) return false;
  if (byMonthDay.length > 0 && !isMonthDay(byMonthDay, day)) return false;
  if (byDay.length > 0) return isNamedWeekday(rule, day);
  if (byMonthDay.length > 0 || frequency === "DAILY") return true;
  if (frequency === "WEEKLY") return day.weekday === first.weekday;
  const isInMonth = frequency === "MONTHLY" || byMonth.length > 0 || day.month === first.month;
  return isInMonth && day.day === first.day;
}

function isMonthDay(byMonthDay: readonly number[], { year, month, day }: Day): boolean {
  return byMonthDay.includes(day) || byMonthDay.includes(day - daysInMonth(year, month) - 1);
}

function isNamedWeekday({ frequency, byDay, byMonth }: Recurrence, day: Day): boolean {
  const isInYear = frequency === "YEARLY" && byMonth.length === 0;
  const index = isInYear ? day.number - dayNumber(day.year, 1, 1) : day.day - 1;
  const length = isInYear ? daysInYear(day.year) : daysInMonth(day.year, day.month);
  const nth = Math.floor(index / 7) + 1;
  const nthFromEnd = -(Math.floor((length - 1 - index) / 7) + 1);
  return byDay.some(
    (part) =>
      part.weekday === day.weekday && (part.nth === undefined || part.nth === nth || part.nth === nthFromEnd),
  );
}
