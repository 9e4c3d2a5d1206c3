import { isDate } from "./recurrence.ts";
import { weekdayNames, weekdayOf, type Weekday } from "./weekday.ts";

/** Some days as people write them. Dates are ISO 8601, days of a year "12-25"; the last of a range belongs to it. */
export type DayRule =
  | { kind: "dates"; first: string; last: string }
  | { kind: "yearly"; first: string; last: string }
  | { kind: "anchor"; anchor: Anchor; /** Negative before it. */ offsetDays: number };

export type Anchor =
  | { kind: "easter" }
  /** `nth` is 1 to 5, or -1 for the last. */
  | { kind: "nth-weekday"; nth: number; weekday: Weekday; month: number };

const ORDINALS: Readonly<Record<string, number>> = {
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  fifth: 5,
  last: -1,
};
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
/** Black Friday is not the fourth Friday of November: it is the day after the fourth Thursday. */
const NAMED: Readonly<Record<string, string>> = {
  thanksgiving: "fourth thursday of november",
  "black-friday": "day after thanksgiving",
  "cyber-monday": "4 days after thanksgiving",
  "good-friday": "2 days before easter",
  "easter-monday": "day after easter",
};
const MAX_OFFSET_DAYS = 366;

export const DAY_RULE_HINT =
  'write "2026-12-25", "2026-12-24..2027-01-01", "12-25", "last monday of may", "day after fourth thursday of november" or black-friday';

/** Undefined when the text is no such rule. Requirement B8. */
export function parseDayRule(text: string): DayRule | undefined {
  const words = text.trim().toLowerCase().replaceAll(/\s+/g, " ");
  const [first = "", last = first, ...more] = words.split("..").map((part) => part.trim());
  if (more.length > 0) return undefined;
  if (isDate(first)) return isDate(last) && first <= last ? { kind: "dates", first, last } : undefined;
  if (isYearDay(first)) return isYearDay(last) ? { kind: "yearly", first, last } : undefined;
  return first === last ? parseAnchored(words) : undefined;
}

function parseAnchored(words: string): DayRule | undefined {
  const named = NAMED[words];
  if (named !== undefined) return parseAnchored(named);
  if (words === "easter") return { kind: "anchor", anchor: { kind: "easter" }, offsetDays: 0 };
  const offset = /^(?:(\d{1,3}) days?|day) (after|before) (.+)$/.exec(words);
  if (offset !== null) {
    const [, number = "1", side, rest = ""] = offset;
    const inner = parseAnchored(rest);
    if (inner?.kind !== "anchor" || Number(number) > MAX_OFFSET_DAYS) return undefined;
    const days = side === "after" ? Number(number) : -Number(number);
    return { ...inner, offsetDays: inner.offsetDays + days };
  }
  const match = /^(\w+) (\w+) of (\w+)$/.exec(words);
  const nth = ORDINALS[match?.[1] ?? ""];
  const weekday = weekdayNames.find((name) => isNameOf(name, match?.[2] ?? ""));
  const month = MONTHS.indexOf(match?.[3] ?? "") + 1;
  if (nth === undefined || weekday === undefined || month === 0) return undefined;
  return {
    kind: "anchor",
    anchor: { kind: "nth-weekday", nth, weekday: weekdayOf(weekday), month },
    offsetDays: 0,
  };
}

const FULL_NAMES: Readonly<Record<string, string>> = {
  mon: "monday",
  tue: "tuesday",
  wed: "wednesday",
  thu: "thursday",
  fri: "friday",
  sat: "saturday",
  sun: "sunday",
};

function isNameOf(short: string, word: string): boolean {
  return word === short || word === FULL_NAMES[short];
}

/** Days that at least leap years have. */
function isYearDay(text: string): boolean {
  return isDate(`2024-${text}`);
}
