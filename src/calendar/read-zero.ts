import { isTimeZone } from "../lib/time-zone.ts";
import { isMoment } from "../model/calendar.ts";
import { dayNumberOf } from "./day.ts";
import { startOfMoment } from "./occurrences.ts";
import { readMoment } from "./read-moment.ts";
import { endInstant, wallTimeAt, zonedText } from "./zone-time.ts";

type ZeroRead = { at: number; zone: string } | { problem: string; hint: string };

const HINT = 'Write "2026-12-01 10:00 America/New_York", 2026-12-01T15:00Z, or a duration from now like 4h.';

/**
 * The moment that somebody names for T-0, in ms since 1970, and the zone in which they think of it. A time that the clocks
 * of the zone skip, or show twice, is refused: which instant is meant only they can say.
 */
export function readZero(text: string, now: number): ZeroRead {
  const [, moment = "", zone = ""] = /^(.+) (\S+)$/.exec(text.trim()) ?? [];
  if (!isMoment(moment) || !isTimeZone(zone)) {
    const at = readMoment(text.trim(), now, "from");
    return at === undefined ? { problem: `"${text}" is no time`, hint: HINT } : { at, zone: "UTC" };
  }
  const [date = "", time] = moment.split(/[ T]/);
  if (time === undefined) return { problem: `"${text}" names a day without a time`, hint: HINT };
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  const wall = { day: dayNumberOf(date), second: (hours * 60 + minutes) * 60 };
  const at = startOfMoment(moment, zone);
  const shown = wallTimeAt(at, zone);
  if (shown.day * 86_400 + shown.second !== wall.day * 86_400 + wall.second) {
    return {
      problem: `the clocks in ${zone} skip ${moment}`,
      hint: `They show ${zonedText(at, zone)} then: name a time from there on.`,
    };
  }
  const second = endInstant({ ...wall, second: wall.second + 1 }, zone) - 1_000;
  if (second !== at) {
    const instants = [at, second].map((ms) => new Date(ms).toISOString().replace(":00.000Z", "Z"));
    return { problem: `the clocks in ${zone} show ${moment} twice`, hint: `Write ${instants.join(" or ")}.` };
  }
  return { at, zone };
}
