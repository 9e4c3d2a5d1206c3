import ICAL from "ical.js";
import type { Span } from "./spans.ts";

/** One event of an exported calendar. */
export interface EventToWrite extends Span {
  /** The same for the same event at every export. */
  uid: string;
  title: string;
  text: string;
  category: "allow" | "deny" | "freeze";
}

/** An iCalendar file with times in UTC, which needs no definitions of zones. `now` is when it was made, in ms. */
export function writeIcs(events: readonly EventToWrite[], now: number): string {
  const calendar = new ICAL.Component("vcalendar");
  calendar.addPropertyWithValue("version", "2.0");
  calendar.addPropertyWithValue("prodid", "-//tminus//windows//EN");
  for (const { uid, title, text, category, start, end } of events) {
    const event = new ICAL.Component("vevent");
    event.addPropertyWithValue("uid", uid);
    event.addPropertyWithValue("dtstamp", timeOf(now));
    event.addPropertyWithValue("dtstart", timeOf(start));
    event.addPropertyWithValue("dtend", timeOf(end));
    event.addPropertyWithValue("summary", title);
    event.addPropertyWithValue("description", text);
    event.addPropertyWithValue("categories", category);
    event.addPropertyWithValue("transp", "TRANSPARENT");
    calendar.addSubcomponent(event);
  }
  return `${calendar.toString()}\r\n`;
}

function timeOf(ms: number): ICAL.Time {
  return ICAL.Time.fromJSDate(new Date(ms), true);
}
