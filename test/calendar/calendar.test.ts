import { describe, expect, it } from "vitest";
import * as z from "zod";
import { admit } from "../../src/calendar/admission.ts";
import { Calendar, type FreezeSpan } from "../../src/calendar/calendar.ts";
import { standingText } from "../../src/calendar/standing-text.ts";
import { freezeSchema, windowSchema, type RunbookFreeze } from "../../src/model/calendar.ts";

type WindowInput = z.input<typeof windowSchema>;
const NEW_YORK = "America/New_York";
const midWeek: WindowInput = {
  id: "mid-week",
  effect: "allow",
  days: ["tue", "wed", "thu"],
  from: "10:00",
  to: "14:00",
  zone: NEW_YORK,
};

describe("Calendar", () => {
  it("is open at any time when it has no window", () => {
    expect(calendarOf([]).at(ms("2026-11-27T03:00Z"))).toEqual({ isOpen: true, closedBy: [], openBy: [] });
  });

  it("is open in a window that allows, by the clocks of its zone in summer and in winter", () => {
    const calendar = calendarOf([midWeek]);
    expect(calendar.at(ms("2026-07-07T14:00Z"))).toMatchObject({
      isOpen: true,
      closesAt: ms("2026-07-07T18:00Z"),
    });
    expect(calendar.at(ms("2026-12-01T14:59Z"))).toMatchObject({
      isOpen: false,
      opensAt: ms("2026-12-01T15:00Z"),
    });
    expect(calendar.at(ms("2026-12-01T15:00Z"))).toMatchObject({
      isOpen: true,
      closesAt: ms("2026-12-01T19:00Z"),
    });
    expect(calendar.at(ms("2026-12-03T19:00Z"))).toMatchObject({
      isOpen: false,
      opensAt: ms("2026-12-08T15:00Z"),
    });
  });

  it("is closed by any window that denies, and names it", () => {
    const calendar = calendarOf([
      { id: "always", effect: "allow", zone: "UTC" },
      {
        id: "friday-afternoon",
        effect: "deny",
        days: ["fri"],
        from: "12:00",
        zone: NEW_YORK,
        reason: "nobody is here",
      },
      { id: "weekend", effect: "deny", days: ["sat", "sun"], zone: NEW_YORK },
    ]);
    expect(calendar.at(ms("2026-12-04T17:00Z"))).toEqual({
      isOpen: false,
      closedBy: [{ kind: "window", id: "friday-afternoon", reason: "nobody is here" }],
      openBy: [{ kind: "window", id: "always" }],
      opensAt: ms("2026-12-07T05:00Z"),
      closesAt: ms("2026-12-11T17:00Z"),
    });
  });

  it("lets a window run into the next day", () => {
    const calendar = calendarOf([
      { id: "night", effect: "allow", days: ["sat"], from: "22:00", to: "02:00", zone: "UTC" },
    ]);
    expect(calendar.at(ms("2026-12-06T01:59Z")).isOpen).toBe(true);
    expect(calendar.at(ms("2026-12-06T02:00Z"))).toMatchObject({
      isOpen: false,
      opensAt: ms("2026-12-12T22:00Z"),
    });
  });

  it("knows Black Friday as the day after Thanksgiving, which is not always the fourth Friday", () => {
    const calendar = calendarOf([
      { id: "peak", effect: "deny", dates: ["black-friday", "cyber-monday"], zone: "UTC" },
    ]);
    const closed = calendar
      .openSpans(ms("2024-11-01T00:00Z"), ms("2024-12-31T00:00Z"))
      .map(({ end }) => iso(end));
    expect(closed.slice(0, 2)).toEqual(["2024-11-29T00:00:00.000Z", "2024-12-02T00:00:00.000Z"]);
  });

  it.each([
    ["12-24..01-02", "2026-12-31", true],
    ["12-24..01-02", "2027-01-03", false],
    ["2026-12-25", "2026-12-25", true],
    ["2026-12-25", "2027-12-25", false],
    ["last monday of may", "2026-05-25", true],
    ["first Mon of September", "2026-09-07", true],
    ["easter", "2026-04-05", true],
    ["easter", "2038-04-25", true],
    ["good-friday", "2027-03-26", true],
    ["39 days after easter", "2026-05-14", true],
    ["day before first monday of june", "2026-05-31", true],
    ["fifth friday of november", "2026-11-27", false],
  ])("reads %s, and asked about %s says %s", (rule, date, isClosed) => {
    const calendar = calendarOf([{ id: "days", effect: "deny", dates: [rule], zone: "UTC" }]);
    expect(calendar.at(ms(`${date}T12:00Z`)).isOpen).toBe(!isClosed);
  });

  it("counts a rule from its first day, without the days that are excepted", () => {
    const calendar = calendarOf([
      {
        id: "release-night",
        effect: "allow",
        rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        start: "2026-12-01",
        from: "22:00",
        to: "23:00",
        zone: "Europe/Berlin",
        except: ["2026-12-15"],
      },
    ]);
    expect(
      calendar.openSpans(ms("2026-11-01T00:00Z"), ms("2027-01-20T00:00Z")).map(({ start }) => iso(start)),
    ).toEqual(["2026-12-01T21:00:00.000Z", "2026-12-29T21:00:00.000Z", "2027-01-12T21:00:00.000Z"]);
  });

  it("ends a rule at the instant of its UNTIL", () => {
    const nightly = (until: string): Calendar =>
      calendarOf([
        {
          id: "n",
          effect: "allow",
          rrule: `FREQ=DAILY;UNTIL=${until}`,
          start: "2026-12-01",
          from: "23:30",
          to: "23:45",
          zone: NEW_YORK,
        },
      ]);
    const last = (calendar: Calendar): string =>
      iso(calendar.openSpans(ms("2026-11-01T00:00Z"), ms("2027-01-01T00:00Z")).at(-1)!.start);
    expect(last(nightly("20261204T043000Z"))).toBe("2026-12-04T04:30:00.000Z");
    expect(last(nightly("20261204T042959Z"))).toBe("2026-12-03T04:30:00.000Z");
    expect(last(nightly("20261203"))).toBe("2026-12-04T04:30:00.000Z");
    expect(last(nightly("20261203T233000"))).toBe("2026-12-04T04:30:00.000Z");
    expect(last(nightly("20261203T232959"))).toBe("2026-12-03T04:30:00.000Z");
  });

  it("says never when it does not open within two years", () => {
    const calendar = calendarOf([midWeek, { id: "closed-down", effect: "deny", zone: "UTC" }]);
    const standing = calendar.at(ms("2026-12-01T15:00Z"));
    expect(standing).toMatchObject({ isOpen: false });
    expect(standing.opensAt).toBeUndefined();
    expect(standingText(standing, ms("2026-12-01T15:00Z"), "UTC")).toBe(
      "closed: window closed-down; it does not open within two years",
    );
  });

  it("finds an opening that is more than a year away", () => {
    const calendar = calendarOf([{ id: "leap", effect: "allow", dates: ["02-29"], zone: "UTC" }]);
    expect(iso(calendar.at(ms("2026-11-27T00:00Z")).opensAt!)).toBe("2028-02-29T00:00:00.000Z");
  });

  it("has no window on a day on which the clocks skip all of it", () => {
    const calendar = calendarOf([
      { id: "skipped", effect: "allow", from: "02:10", to: "02:50", zone: NEW_YORK },
    ]);
    expect(calendar.openSpans(ms("2026-03-08T00:00Z"), ms("2026-03-09T00:00Z"))).toEqual([]);
  });

  it("has no window on a day that a zone skipped", () => {
    const calendar = calendarOf([
      { id: "day", effect: "allow", dates: ["2011-12-30"], zone: "Pacific/Apia" },
    ]);
    expect(calendar.openSpans(ms("2011-12-25T00:00Z"), ms("2012-01-05T00:00Z"))).toEqual([]);
  });

  it("is closed by freezes, those of the runbook and those that were declared", () => {
    const declared = {
      id: "freeze-1",
      reason: "incident",
      start: ms("2026-12-09T12:00Z"),
      end: ms("2026-12-09T16:00Z"),
    };
    const calendar = calendarOf(
      [midWeek],
      [
        {
          id: "year-end",
          reason: "holidays",
          zone: "Europe/Berlin",
          from: "2026-12-18 18:00",
          until: "2027-01-03",
        },
      ],
      [declared],
    );
    expect(calendar.at(ms("2026-12-09T15:30Z"))).toMatchObject({
      isOpen: false,
      closedBy: [{ kind: "freeze", id: "freeze-1", reason: "incident" }],
      opensAt: ms("2026-12-09T16:00Z"),
    });
    expect(calendar.at(ms("2026-12-22T16:00Z"))).toMatchObject({
      isOpen: false,
      opensAt: ms("2027-01-05T15:00Z"),
    });
    expect(calendar.freezesAt(ms("2026-12-18T16:59Z"))).toEqual([]);
    expect(calendar.freezesAt(ms("2027-01-03T22:59Z")).map(({ id }) => id)).toEqual(["year-end"]);
    expect(calendar.freezesAt(ms("2027-01-03T23:00Z"))).toEqual([]);
  });
});

describe("admit", () => {
  const calendar = calendarOf([midWeek]);
  const at = ms("2026-12-01T16:00Z");

  it("lets no more deploys begin in one opening than the limit says", () => {
    const one = [{ startedAt: ms("2026-12-01T15:10Z"), endedAt: ms("2026-12-01T15:20Z") }];
    expect(admit(calendar, { perWindow: 2 }, one, at).isOpen).toBe(true);
    expect(admit(calendar, { perWindow: 1 }, one, at)).toMatchObject({
      isOpen: false,
      limit: "1 deploy of this opening of the windows has begun already",
      opensAt: ms("2026-12-02T15:00Z"),
    });
    expect(admit(calendar, { perWindow: 1 }, one, ms("2026-12-02T15:00Z")).isOpen).toBe(true);
  });

  it("does not begin a new opening where a freeze interrupts one", () => {
    const declared = { id: "f", reason: "r", start: ms("2026-12-01T15:30Z"), end: ms("2026-12-01T15:40Z") };
    const one = [{ startedAt: ms("2026-12-01T15:10Z"), endedAt: ms("2026-12-01T15:20Z") }];
    expect(admit(calendarOf([midWeek], [], [declared]), { perWindow: 1 }, one, at).isOpen).toBe(false);
  });

  it("keeps the gap after the end of a deploy, into the next opening when it is that long", () => {
    const ended = (time: string): [{ startedAt: number; endedAt: number }] => [
      { startedAt: ms("2026-12-01T15:00Z"), endedAt: ms(time) },
    ];
    expect(admit(calendar, { gap: "1h" }, ended("2026-12-01T15:30Z"), at)).toMatchObject({
      isOpen: false,
      limit: "the last deploy ended less than 1h ago",
      opensAt: ms("2026-12-01T16:30Z"),
      closesAt: ms("2026-12-01T19:00Z"),
    });
    expect(admit(calendar, { gap: "4h" }, ended("2026-12-01T15:30Z"), at).opensAt).toBe(
      ms("2026-12-02T15:00Z"),
    );
    expect(admit(calendar, { gap: "30m" }, ended("2026-12-01T15:30Z"), at).isOpen).toBe(true);
  });
});

describe("standingText", () => {
  it("says until when it is open, in the zone and in UTC", () => {
    const at = ms("2026-12-01T16:49Z");
    expect(standingText(calendarOf([midWeek]).at(at), at, NEW_YORK)).toBe(
      "open (mid-week) until Tue 2026-12-01 14:00 America/New_York (2026-12-01 19:00Z), 2h 11m left",
    );
  });

  it("says why it is closed and when it opens", () => {
    const at = ms("2026-11-27T17:00Z");
    expect(standingText(calendarOf([midWeek]).at(at), at, NEW_YORK)).toBe(
      "closed: no window that allows deploys is open; it opens Tue 2026-12-01 10:00 America/New_York (2026-12-01 15:00Z), in 3d 22h",
    );
  });
});

function calendarOf(
  windows: WindowInput[],
  freezes: RunbookFreeze[] = [],
  declared: FreezeSpan[] = [],
): Calendar {
  const rules = {
    windows: windows.map((window) => windowSchema.parse(window)),
    freezes: freezes.map((freeze) => freezeSchema.parse(freeze)),
    events: {},
  };
  return new Calendar(rules, declared);
}

function ms(text: string): number {
  return Date.parse(text);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
