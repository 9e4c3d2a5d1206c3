import { describe, expect, it } from "vitest";
import { parseRecurrence } from "../../src/model/recurrence.ts";

describe("parseRecurrence", () => {
  it("reads every part that is followed", () => {
    const rule = parseRecurrence(
      "RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU,-1FR;BYMONTH=1,7;WKST=SU;UNTIL=20261231T120000Z",
    );
    expect(rule).toEqual({
      frequency: "MONTHLY",
      interval: 2,
      byDay: [
        { weekday: 2, nth: 2 },
        { weekday: 5, nth: -1 },
      ],
      byMonth: [1, 7],
      byMonthDay: [],
      weekStart: 7,
      until: { as: "instant", text: "2026-12-31T12:00:00Z" },
    });
  });

  it.each([
    ["FREQ=WEEKLY;BYHOUR=10", "BYHOUR is not supported"],
    ["FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", "BYSETPOS is not supported"],
    ["FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO is not supported"],
    ["FREQ=HOURLY", "FREQ=HOURLY is not supported"],
    ["BYDAY=MO", "FREQ is missing"],
    ["FREQ=WEEKLY;BYDAY=MI", '"MI" is no day'],
    ["FREQ=WEEKLY;BYDAY=2MO", "a number in BYDAY needs FREQ=MONTHLY or FREQ=YEARLY"],
    ["FREQ=MONTHLY;BYDAY=6MO", "no month has more than five of a weekday"],
    ["FREQ=DAILY;COUNT=3;UNTIL=20260101", "COUNT and UNTIL exclude each other"],
    ["FREQ=DAILY;UNTIL=20260230", "is no date"],
    ["FREQ=DAILY;INTERVAL=0", "INTERVAL is a number from 1 to 1000"],
    ["FREQ=DAILY;FREQ=DAILY", "FREQ is there twice"],
    ["FREQ=DAILY;COLOUR=3", "COLOUR is no part of an RRULE"],
    ["every day", '"every day" is not NAME=VALUE'],
    ["FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY does not go with FREQ=WEEKLY"],
    ["FREQ=YEARLY;BYMONTHDAY=0", "BYMONTHDAY has no 0"],
  ])("refuses %s by name", (text, message) => {
    expect(parseRecurrence(text)).toMatchObject({ message: expect.stringContaining(message) as string });
  });
});
