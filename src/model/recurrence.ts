import type { Weekday } from "./weekday.ts";

/** The parts of an RRULE of RFC 5545 that decide about days. Lists are empty when the rule does not name them. */
export interface Recurrence {
  frequency: "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY";
  interval: number;
  count?: number;
  until?: Until;
  /** `nth` counts within the month or year, from its end when negative. */
  byDay: { weekday: Weekday; nth?: number }[];
  byMonth: number[];
  byMonthDay: number[];
  /** Where weeks begin, which counts when `interval` skips some. */
  weekStart: Weekday;
}

/** The last start that counts: a date, a time there (date and time), or an instant. ISO 8601. */
export interface Until {
  as: "date" | "wall" | "instant";
  text: string;
}

/** What is wrong with a rule, and the part of it that is. */
export interface RecurrenceMistake {
  message: string;
  part: string;
}

/** Above these a rule costs more to follow than it can mean. */
const MAX_COUNT = 10_000;
const MAX_INTERVAL = 1_000;
const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const FREQUENCIES = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"] as const;
const KNOWN = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "WKST"];
/** Parts of RFC 5545 that are not followed: they are named in the refusal, never left out of account. */
const REFUSED = ["BYSECOND", "BYMINUTE", "BYHOUR", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "RSCALE", "SKIP"];

/** An RRULE, with or without "RRULE:" before it, or what is wrong with it. Requirement B8. */
export function parseRecurrence(text: string): Recurrence | RecurrenceMistake {
  const parts = new Map<string, string>();
  for (const part of text.replace(/^RRULE:/i, "").split(";")) {
    const [, name = "", value = ""] = /^([A-Za-z-]+)=(.+)$/.exec(part) ?? [];
    const key = name.toUpperCase();
    if (key === "") return { message: `"${part}" is not NAME=VALUE`, part };
    if (REFUSED.includes(key)) return { message: `${key} is not supported`, part };
    if (!KNOWN.includes(key)) return { message: `${key} is no part of an RRULE`, part };
    if (parts.has(key)) return { message: `${key} is there twice`, part };
    parts.set(key, value.toUpperCase());
  }
  const reader = new PartReader(parts);
  const frequency = reader.frequency();
  const rule: Recurrence = {
    frequency,
    interval: reader.number("INTERVAL", 1, MAX_INTERVAL) ?? 1,
    byDay: reader.days(),
    byMonth: reader.numbers("BYMONTH", 1, 12),
    byMonthDay: reader.numbers("BYMONTHDAY", -31, 31),
    weekStart: reader.weekStart(),
  };
  const count = reader.number("COUNT", 1, MAX_COUNT);
  if (count !== undefined) rule.count = count;
  const until = reader.until();
  if (until !== undefined) rule.until = until;
  return reader.mistake ?? contradiction(rule, parts) ?? rule;
}

/** What each part says, and the first mistake in one. */
class PartReader {
  mistake: RecurrenceMistake | undefined;
  readonly #parts: ReadonlyMap<string, string>;

  constructor(parts: ReadonlyMap<string, string>) {
    this.#parts = parts;
  }

  frequency(): Recurrence["frequency"] {
    const text = this.#parts.get("FREQ");
    const found = FREQUENCIES.find((name) => name === text);
    if (found === undefined) {
      const message = text === undefined ? "FREQ is missing" : `FREQ=${text} is not supported`;
      this.#fail("FREQ", `${message}; use ${FREQUENCIES.join(", ")}`);
    }
    return found ?? "DAILY";
  }

  number(name: string, least: number, most: number): number | undefined {
    const text = this.#parts.get(name);
    return text === undefined ? undefined : this.#read(name, text, least, most);
  }

  numbers(name: string, least: number, most: number): number[] {
    const text = this.#parts.get(name);
    if (text === undefined) return [];
    return text.split(",").map((item) => {
      const number = this.#read(name, item, least, most);
      if (number === 0) this.#fail(name, `${name} has no 0`);
      return number;
    });
  }

  days(): Recurrence["byDay"] {
    const text = this.#parts.get("BYDAY");
    if (text === undefined) return [];
    return text.split(",").map((item) => {
      const [, nth = "", day = ""] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(item) ?? [];
      if (!DAYS.includes(day)) this.#fail("BYDAY", `"${item}" is no day; write MO, 2TU or -1FR`);
      const weekday = DAYS.indexOf(day) + 1;
      if (nth === "") return { weekday };
      const number = Number(nth);
      if (number === 0 || Math.abs(number) > 53)
        this.#fail("BYDAY", `"${item}" counts from 1 to 53, or from -1`);
      return { weekday, nth: number };
    });
  }

  weekStart(): Weekday {
    const text = this.#parts.get("WKST");
    if (text === undefined) return 1;
    if (!DAYS.includes(text)) this.#fail("WKST", `WKST=${text} is no day`);
    return DAYS.indexOf(text) + 1;
  }

  until(): Until | undefined {
    const text = this.#parts.get("UNTIL");
    if (text === undefined) return undefined;
    const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/.exec(text);
    const [, year = "", month = "", day = "", hour, minute = "", second = "", zulu] = match ?? [];
    const date = `${year}-${month}-${day}`;
    const time = hour === undefined ? "" : `T${hour}:${minute}:${second}`;
    if (match === null || !isDate(date) || Number.isNaN(Date.parse(`${date}${time}${time && "Z"}`))) {
      this.#fail("UNTIL", `UNTIL=${text} is no date; write 20261231 or 20261231T235959Z`);
      return undefined;
    }
    if (hour === undefined) return { as: "date", text: date };
    return { as: zulu === undefined ? "wall" : "instant", text: `${date}${time}${zulu ?? ""}` };
  }

  #read(name: string, text: string, least: number, most: number): number {
    const number = /^[+-]?\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (!(number >= least && number <= most))
      this.#fail(name, `${name} is a number from ${least} to ${most}`);
    return number;
  }

  #fail(name: string, message: string): void {
    this.mistake ??= { message, part: this.#parts.get(name) ?? "" };
  }
}

/** What each part allows, but not together. RFC 5545, 3.3.10. */
function contradiction(
  { frequency, byDay, byMonth, byMonthDay, count, until }: Recurrence,
  parts: ReadonlyMap<string, string>,
): RecurrenceMistake | undefined {
  const about = (name: string, message: string): RecurrenceMistake => ({
    message,
    part: parts.get(name) ?? "",
  });
  if (count !== undefined && until !== undefined) return about("COUNT", "COUNT and UNTIL exclude each other");
  const nths = byDay.flatMap(({ nth }) => nth ?? []);
  if (nths.length > 0 && (frequency === "DAILY" || frequency === "WEEKLY"))
    return about("BYDAY", `a number in BYDAY needs FREQ=MONTHLY or FREQ=YEARLY`);
  const isInMonth = frequency === "MONTHLY" || byMonth.length > 0;
  if (isInMonth && nths.some((nth) => Math.abs(nth) > 5))
    return about("BYDAY", "no month has more than five of a weekday");
  if (byMonthDay.length > 0 && frequency === "WEEKLY")
    return about("BYMONTHDAY", "BYMONTHDAY does not go with FREQ=WEEKLY");
  if (byMonthDay.length > 0 && frequency === "YEARLY" && byMonth.length === 0 && nths.length > 0)
    return about("BYMONTHDAY", "BYMONTHDAY with a number in BYDAY needs BYMONTH");
  return undefined;
}

/** Whether the text is a day that exists: "2026-02-28", not "2026-02-30". */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
