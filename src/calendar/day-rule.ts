import type { Anchor, DayRule } from "../model/day-rule.ts";
import { dateText, dayNumber, dayNumberOf, dayOf, daysInMonth, type Day } from "./day.ts";

/** Says whether a rule of people names a day. */
export function dayRuleDays(rule: DayRule): (day: Day) => boolean {
  switch (rule.kind) {
    case "dates": {
      const [first, last] = [dayNumberOf(rule.first), dayNumberOf(rule.last)];
      return ({ number }) => number >= first && number <= last;
    }
    case "yearly": {
      const { first, last } = rule;
      return ({ number }) => {
        const day = dateText(number).slice(5);
        return first <= last ? day >= first && day <= last : day >= first || day <= last;
      };
    }
    case "anchor":
      return ({ number }) => isAnchor(rule.anchor, dayOf(number - rule.offsetDays));
  }
}

function isAnchor(anchor: Anchor, day: Day): boolean {
  if (anchor.kind === "easter") return day.number === easterOf(day.year);
  if (day.month !== anchor.month || day.weekday !== anchor.weekday) return false;
  if (anchor.nth > 0) return Math.ceil(day.day / 7) === anchor.nth;
  return day.day > daysInMonth(day.year, day.month) - 7;
}

/** Easter Sunday of the Gregorian churches, by the method of Meeus, Jones and Butcher. */
function easterOf(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const inCentury = year % 100;
  const correction = Math.floor((century + 8) / 25);
  const shift = Math.floor((century - correction + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - shift + 15) % 30;
  const toSunday = (32 + 2 * (century % 4) + 2 * Math.floor(inCentury / 4) - epact - (inCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * toSunday) / 451);
  const sum = epact + toSunday - 7 * late + 114;
  return dayNumber(year, Math.floor(sum / 31), (sum % 31) + 1);
}
