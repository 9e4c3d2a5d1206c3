import { parseDuration } from "../lib/duration.ts";
import { isTimeZone } from "../lib/time-zone.ts";
import { isMoment } from "../model/calendar.ts";
import { endOfMoment, startOfMoment } from "./occurrences.ts";

const WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * A time as people give it, in ms since 1970: a duration from now ("4h"), a day or minute with its zone ("2026-12-24
 * 18:00 Europe/Berlin"), or ISO 8601 with an offset. As the end of a span a day belongs to it. Undefined when it is none.
 */
export function readMoment(text: string, now: number, side: "from" | "until"): number | undefined {
  const ms = parseDuration(text);
  if (ms !== undefined) return now + ms;
  if (WITH_OFFSET.test(text)) {
    const at = Date.parse(text);
    return Number.isNaN(at) ? undefined : at;
  }
  const [, moment = "", zone = ""] = /^(.+) (\S+)$/.exec(text) ?? [];
  if (!isMoment(moment) || !isTimeZone(zone)) return undefined;
  return side === "from" ? startOfMoment(moment, zone) : endOfMoment(moment, zone);
}
