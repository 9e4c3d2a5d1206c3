import fc from "fast-check";
import { RRuleTemporal } from "rrule-temporal";
import { describe, expect, it } from "vitest";
import { dateText, dayNumberOf, dayOf } from "../../src/calendar/day.ts";
import { recurrenceDays } from "../../src/calendar/recurrence.ts";
import { parseRecurrence } from "../../src/model/recurrence.ts";

describe("recurrenceDays", () => {
  it("gives the days that another implementation of RFC 5545 gives", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(ruleArbitrary(), fc.integer({ min: 19_000, max: 21_500 }), (rule, start) => {
        const first = dateText(start);
        // A first day that the rule does not give is undefined in the RFC: the referee is asked from a day that it gives.
        const [from] = days(rule, first, start, start + 1500);
        fc.pre(from !== undefined);
        const end = dayNumberOf(from!) + 900;
        expect(days(rule, from!, dayNumberOf(from!), end), `${rule} from ${from}`).toEqual(
          refereeDays(rule, from!, dateText(end)),
        );
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ["FREQ=MONTHLY;BYDAY=2TU", "2026-01-01", ["2026-01-13", "2026-02-10", "2026-03-10"]],
    ["FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01", ["2026-01-30", "2026-02-27", "2026-03-27"]],
    ["FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", ["2026-01-31", "2026-03-31", "2026-05-31"]],
    ["FREQ=YEARLY", "2024-02-29", ["2024-02-29", "2028-02-29", "2032-02-29"]],
    ["FREQ=YEARLY;BYDAY=1MO", "2026-01-01", ["2026-01-05", "2027-01-04", "2028-01-03"]],
    [
      "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU;COUNT=3",
      "2026-01-04",
      ["2026-01-04", "2026-01-05", "2026-01-18"],
    ],
    ["FREQ=DAILY;UNTIL=20260103", "2026-01-01", ["2026-01-01", "2026-01-02", "2026-01-03"]],
  ])("gives %s from %s", (rule, start, expected) => {
    expect(days(rule, start, dayNumberOf(start), dayNumberOf(start) + 3_700).slice(0, 3)).toEqual(expected);
  });

  it("gives no more days than COUNT says, whatever is asked first", () => {
    expect(days("FREQ=DAILY;COUNT=3", "2026-01-01", 20_454, 20_600)).toHaveLength(3);
  });
});

function days(text: string, start: string, from: number, to: number): string[] {
  const rule = parseRecurrence(text);
  if ("message" in rule) throw new Error(rule.message);
  const isOn = recurrenceDays(rule, start);
  const found: string[] = [];
  for (let number = from; number < to; number++) if (isOn(dayOf(number))) found.push(dateText(number));
  return found;
}

function refereeDays(text: string, start: string, end: string): string[] {
  const rule = new RRuleTemporal({
    rruleString: `DTSTART;TZID=UTC:${start.replaceAll("-", "")}T100000\nRRULE:${text.replace(/(UNTIL=\d{8})/, "$1T235959Z")}`,
  });
  return rule
    .between(new Date(`${start}T00:00:00Z`), new Date(`${end}T00:00:00Z`), true)
    .map((time) => time.toPlainDate().toString());
}

function ruleArbitrary(): fc.Arbitrary<string> {
  const weekday = fc.constantFrom("MO", "TU", "WE", "TH", "FR", "SA", "SU");
  const nth = fc.constantFrom(1, 2, 3, 4, 5, -1, -2, -5);
  const someOf = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.uniqueArray(item, { minLength: 1, maxLength: 3 });
  const list = (name: string, items: readonly (string | number)[]): string => `;${name}=${items.join(",")}`;
  const maybe = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(""), text);
  const months = maybe(someOf(fc.integer({ min: 1, max: 12 })).map((items) => list("BYMONTH", items)));
  const monthDays = someOf(fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: -31, max: -1 }))).map(
    (items) => list("BYMONTHDAY", items),
  );
  const plainDays = someOf(weekday).map((items) => list("BYDAY", items));
  const numberedDays = someOf(fc.tuple(nth, weekday).map(([number, day]) => `${number}${day}`)).map((items) =>
    list("BYDAY", items),
  );
  const interval = maybe(fc.integer({ min: 1, max: 4 }).map((number) => `;INTERVAL=${number}`));
  const limit = maybe(
    fc.oneof(
      fc.integer({ min: 1, max: 30 }).map((number) => `;COUNT=${number}`),
      fc.integer({ min: 20_000, max: 22_500 }).map((day) => `;UNTIL=${dateText(day).replaceAll("-", "")}`),
    ),
  );
  const weekStart = maybe(fc.constantFrom(";WKST=SU", ";WKST=MO", ";WKST=TH"));
  const join = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
    fc.tuple(...parts, limit).map((texts) => texts.join(""));
  return fc.oneof(
    join(fc.constant("FREQ=DAILY"), interval, months, maybe(fc.oneof(plainDays, monthDays))),
    join(fc.constant("FREQ=WEEKLY"), interval, weekStart, months, maybe(plainDays)),
    join(fc.constant("FREQ=MONTHLY"), interval, months, maybe(fc.oneof(plainDays, numberedDays, monthDays))),
    join(fc.constant("FREQ=YEARLY"), interval, months, maybe(fc.oneof(plainDays, numberedDays, monthDays))),
  );
}
