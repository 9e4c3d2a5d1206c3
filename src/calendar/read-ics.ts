import ICAL from "ical.js";
import { TminusError } from "../errors.ts";
import { isTimeZone, timeZoneHint } from "../lib/time-zone.ts";
import type { CalendarEvent } from "../model/calendar.ts";
import { parseRecurrence } from "../model/recurrence.ts";
import { dateText, dayNumberOf } from "./day.ts";
import { firstInstant, wallTimeAt, type WallTime } from "./zone-time.ts";

const MAX_EVENTS = 2_000;
const DAY_SECONDS = 86_400;
/** What an event may have that changes when it happens, and is not followed. */
const REFUSED = ["rdate", "exrule", "recurrence-id"];

/**
 * The events of an iCalendar file. Times without a zone, and whole days, are those of `zone`; zones go by their IANA
 * name, whatever the file says of them. `file` is for messages. Cancelled events are left out; anything that changes
 * when an event happens and is not followed is refused. RFC 5545. Errors: CALENDAR_INVALID.
 */
export function readIcs(text: string, { file, zone }: { file: string; zone: string }): CalendarEvent[] {
  const lines = text.split(/\r?\n/);
  const components = parse(text, file);
  if (components.length > MAX_EVENTS)
    throw invalid(`${file}: more than ${MAX_EVENTS} events`, "Keep the events that deploys depend on.");
  return components.flatMap((component, index) => {
    const place = new EventPlace(file, lines, index);
    if (textOf(component, "status")?.toUpperCase() === "CANCELLED") return [];
    return [readEvent(component, zone, place)];
  });
}

function parse(text: string, file: string): ICAL.Component[] {
  try {
    // A file may hold several calendars: then there is a list of them.
    const parsed = ICAL.parse(text) as unknown[];
    const calendars = typeof parsed[0] === "string" ? [parsed] : parsed;
    return calendars.flatMap((calendar) =>
      new ICAL.Component(calendar as never).getAllSubcomponents("vevent"),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(`${file}:1:1: no iCalendar file: ${reason}`, "Export the calendar again as .ics.");
  }
}

function readEvent(component: ICAL.Component, zone: string, place: EventPlace): CalendarEvent {
  for (const name of REFUSED)
    if (component.hasProperty(name)) throw place.mistake(name, `${name.toUpperCase()} is not supported`);
  const start = momentOf(component, "dtstart", zone, place);
  if (start === undefined) throw place.mistake("begin", "the event has no DTSTART");
  const end = endOf(component, start, place);
  const rrule = ruleOf(component, place);
  return {
    title: textOf(component, "summary") ?? "without a title",
    zone: start.zone,
    start: { date: dateText(start.time.day), second: start.time.second },
    end: { days: end.day - start.time.day, second: end.second },
    ...(rrule === undefined ? {} : { rrule }),
    except: exceptionsOf(component, start, place),
  };
}

interface Moment {
  time: WallTime;
  zone: string;
  isDate: boolean;
}

function momentOf(
  component: ICAL.Component,
  name: string,
  zone: string,
  place: EventPlace,
): Moment | undefined {
  const property = component.getFirstProperty(name);
  return property === null ? undefined : toMoment(property, property.getFirstValue(), zone, place);
}

function toMoment(property: ICAL.Property, value: unknown, zone: string, place: EventPlace): Moment {
  if (!(value instanceof ICAL.Time))
    throw place.mistake(property.name, `${property.name.toUpperCase()} is no time`);
  const day = dayNumberOf(value.toString().slice(0, 10));
  if (value.isDate) return { time: { day, second: 0 }, zone, isDate: true };
  const second = value.hour * 3600 + value.minute * 60 + value.second;
  return { time: { day, second }, zone: zoneOf(property, value, zone, place), isDate: false };
}

function zoneOf(property: ICAL.Property, value: ICAL.Time, zone: string, place: EventPlace): string {
  if (value.toICALString().endsWith("Z")) return "UTC";
  const named = property.getFirstParameter("tzid") as string | undefined;
  if (named === undefined) return zone;
  if (isTimeZone(named)) return named;
  throw place.mistake(property.name, `"${named}" is no IANA time zone`, timeZoneHint(named));
}

/** In the zone of the start. */
function endOf(component: ICAL.Component, start: Moment, place: EventPlace): WallTime {
  const end = momentOf(component, "dtend", start.zone, place);
  const duration = component.getFirstPropertyValue("duration");
  let time: WallTime;
  if (end !== undefined) {
    time = end.zone === start.zone ? end.time : wallTimeAt(firstInstant(end.time, end.zone), start.zone);
  } else if (duration instanceof ICAL.Duration) {
    const seconds = start.time.second + duration.toSeconds();
    const days = Math.floor(seconds / DAY_SECONDS);
    time = { day: start.time.day + days, second: seconds - days * DAY_SECONDS };
  } else if (start.isDate) time = { day: start.time.day + 1, second: 0 };
  else throw place.mistake("dtstart", "the event has neither DTEND nor DURATION");
  const isAfter =
    time.day > start.time.day || (time.day === start.time.day && time.second > start.time.second);
  if (!isAfter) throw place.mistake("dtend", "the event does not end after its start");
  return time;
}

function ruleOf(component: ICAL.Component, place: EventPlace): string | undefined {
  const [property, ...more] = component.getAllProperties("rrule");
  if (property === undefined) return undefined;
  if (more.length > 0) throw place.mistake("rrule", "there is more than one RRULE");
  const text = place.valueOf("rrule");
  const rule = parseRecurrence(text);
  if ("message" in rule) throw place.mistake("rrule", rule.message);
  return text;
}

function exceptionsOf(component: ICAL.Component, start: Moment, place: EventPlace): string[] {
  return component.getAllProperties("exdate").flatMap((property) =>
    property.getValues().map((value: unknown) => {
      const { time, zone, isDate } = toMoment(property, value, start.zone, place);
      const there = zone === start.zone ? time : wallTimeAt(firstInstant(time, zone), start.zone);
      if (!isDate && there.second !== start.time.second)
        throw place.mistake("exdate", "an EXDATE is at no time at which the event begins");
      return dateText(there.day);
    }),
  );
}

function textOf(component: ICAL.Component, name: string): string | undefined {
  const value = component.getFirstPropertyValue(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Where in the file one event stands. */
class EventPlace {
  readonly #file: string;
  readonly #lines: readonly string[];
  /** Index of the line that begins the event. */
  readonly #first: number;

  constructor(file: string, lines: readonly string[], index: number) {
    this.#file = file;
    this.#lines = lines;
    const begins = lines.flatMap((line, at) => (/^BEGIN:VEVENT\s*$/i.test(line) ? at : []));
    this.#first = begins[index] ?? 0;
  }

  mistake(
    name: string,
    message: string,
    hint = "Change the event, or keep it in a file of its own.",
  ): TminusError {
    const line = this.#lineOf(name) ?? this.#first;
    return invalid(`${this.#file}:${line + 1}:1: ${message}`, hint);
  }

  /** The value as it stands there, folded lines put together again. */
  valueOf(name: string): string {
    const line = this.#lineOf(name);
    if (line === undefined) return "";
    let text = this.#lines[line]!;
    for (let next = line + 1; /^[ \t]/.test(this.#lines[next] ?? ""); next++)
      text += this.#lines[next]!.slice(1);
    return text.slice(text.indexOf(":") + 1).trim();
  }

  #lineOf(name: string): number | undefined {
    const starts = new RegExp(`^${name}[;:]`, "i");
    for (let line = this.#first; line < this.#lines.length; line++) {
      if (starts.test(this.#lines[line]!)) return line;
      if (/^END:VEVENT/i.test(this.#lines[line]!)) return undefined;
    }
    return undefined;
  }
}

function invalid(message: string, hint: string): TminusError {
  return new TminusError("CALENDAR_INVALID", message, { hint });
}
