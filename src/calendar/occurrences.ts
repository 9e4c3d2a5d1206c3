import type { CalendarEvent, CalendarRules, DeployWindow, RunbookFreeze } from "../model/calendar.ts";
import { parseDayRule } from "../model/day-rule.ts";
import { parseRecurrence, type Until } from "../model/recurrence.ts";
import { weekdayOf } from "../model/weekday.ts";
import { dateText, dayNumberOf, dayOf, type Day } from "./day.ts";
import { dayRuleDays } from "./day-rule.ts";
import { recurrenceDays } from "./recurrence.ts";
import type { Span } from "./spans.ts";
import { endInstant, firstInstant, wallTimeAt } from "./zone-time.ts";

const DAY_SECONDS = 86_400;

/** Something that happens on some days between two times of clocks in a zone. */
interface Occurrence {
  zone: string;
  isOn: (day: Day) => boolean;
  /** The only days to ask about, when they are known. */
  within?: { first: number; last: number };
  fromSecond: number;
  /** Counted from the start's day, so beyond a day's seconds when it ends on a later one. */
  toSecond: number;
  /** Starts after it do not count. */
  until?: Until;
  /** Spans by the number of their first day, as far as they were asked for: looking up a zone is slow. */
  known: Map<number, Span | undefined>;
}

/** What the spans of a window are made from. */
export type Occurrences = readonly Occurrence[];

export function occurrencesOfWindow(window: DeployWindow, events: CalendarRules["events"]): Occurrences {
  if (window.ics !== undefined) {
    const isExcepted = anyOf(window.except);
    return (events[window.id] ?? []).map((event) => {
      const { isOn, ...occurrence } = occurrenceOfEvent(event);
      return { ...occurrence, isOn: (day) => isOn(day) && !isExcepted(day) };
    });
  }
  const rule = window.rrule === undefined ? undefined : parseRecurrence(window.rrule);
  const until = rule !== undefined && "frequency" in rule ? rule.until : undefined;
  const isNamed = daysOf(window);
  const isExcepted = anyOf(window.except);
  const fromSecond = secondOf(window.from ?? "00:00");
  const toSecond = secondOf(window.to ?? "24:00");
  return [
    {
      zone: window.zone,
      isOn: (day) => isNamed(day) && !isExcepted(day),
      fromSecond,
      toSecond: toSecond <= fromSecond ? toSecond + DAY_SECONDS : toSecond,
      known: new Map(),
      ...(until === undefined ? {} : { until }),
    },
  ];
}

/** A freeze of the runbook, as one span. */
export function spanOfFreeze({ from, until, zone }: RunbookFreeze): Span {
  return { start: startOfMoment(from, zone), end: endOfMoment(until, zone) };
}

/** When "2026-12-24" or "2026-12-24 18:00" begins in a zone. */
export function startOfMoment(text: string, zone: string): number {
  const [date = "", time = "00:00"] = text.split(/[ T]/);
  return firstInstant({ day: dayNumberOf(date), second: secondOf(time) }, zone);
}

/** The end of a span that runs until then; a day without a time belongs to it. */
export function endOfMoment(text: string, zone: string): number {
  const [date = "", time = "24:00"] = text.split(/[ T]/);
  return endInstant({ day: dayNumberOf(date), second: secondOf(time) }, zone);
}

/** Every span that has something in common with the time between two instants, unordered, not cut off there. */
export function spansOf(occurrences: Occurrences, from: number, to: number): Span[] {
  return occurrences.flatMap((occurrence) => spansOfOne(occurrence, from, to));
}

function spansOfOne(occurrence: Occurrence, from: number, to: number): Span[] {
  const { zone, toSecond, within } = occurrence;
  const spans: Span[] = [];
  const longest = Math.ceil(toSecond / DAY_SECONDS) + 1;
  const first = Math.max(wallTimeAt(from, zone).day - longest, within?.first ?? -Infinity);
  const last = Math.min(wallTimeAt(to, zone).day + 1, within?.last ?? Infinity);
  for (let number = first; number <= last; number++) {
    if (!occurrence.known.has(number)) occurrence.known.set(number, spanOn(occurrence, number));
    const span = occurrence.known.get(number);
    if (span !== undefined && span.start < to && span.end > from) spans.push(span);
  }
  return spans;
}

function spanOn(occurrence: Occurrence, number: number): Span | undefined {
  const { zone, isOn, fromSecond, toSecond, until } = occurrence;
  if (!isOn(dayOf(number))) return undefined;
  const start = firstInstant({ day: number, second: fromSecond }, zone);
  if (until !== undefined && isAfter({ number, second: fromSecond, start }, until)) return undefined;
  const end = endInstant({ day: number, second: toSecond }, zone);
  return start < end ? { start, end } : undefined;
}

function isAfter(
  { number, second, start }: { number: number; second: number; start: number },
  until: Until,
): boolean {
  if (until.as === "instant") return start > Date.parse(until.text);
  if (until.as === "date") return dateText(number) > until.text;
  return `${dateText(number)}T${new Date(second * 1000).toISOString().slice(11, 19)}` > until.text;
}

function daysOf({ days, dates, rrule, start }: DeployWindow): (day: Day) => boolean {
  if (days !== undefined) {
    const numbers = days.map(weekdayOf);
    return ({ weekday }) => numbers.includes(weekday);
  }
  if (dates !== undefined) return anyOf(dates);
  if (rrule === undefined) return () => true;
  return recurrenceOf(rrule, start ?? "1970-01-01");
}

function recurrenceOf(text: string, start: string): (day: Day) => boolean {
  const rule = parseRecurrence(text);
  return "frequency" in rule ? recurrenceDays(rule, start) : () => false; // refused when it was read
}

function anyOf(texts: readonly string[]): (day: Day) => boolean {
  const rules = texts.flatMap((text) => parseDayRule(text) ?? []).map(dayRuleDays);
  return (day) => rules.some((isOn) => isOn(day));
}

function occurrenceOfEvent({ zone, start, end, rrule, except }: CalendarEvent): Occurrence {
  const first = dayNumberOf(start.date);
  const rule = rrule === undefined ? undefined : parseRecurrence(rrule);
  const until = rule !== undefined && "frequency" in rule ? rule.until : undefined;
  const isGiven = rrule === undefined ? () => true : recurrenceOf(rrule, start.date);
  return {
    zone,
    isOn: (day) => isGiven(day) && !except.includes(dateText(day.number)),
    within: { first, last: rrule === undefined ? first : Infinity },
    fromSecond: start.second,
    toSecond: end.days * DAY_SECONDS + end.second,
    known: new Map(),
    ...(until === undefined ? {} : { until }),
  };
}

/** Seconds of the day at "10:30"; "24:00" is the end of it. */
function secondOf(time: string): number {
  const [hour = "0", minute = "0"] = time.split(":");
  return Number(hour) * 3600 + Number(minute) * 60;
}
