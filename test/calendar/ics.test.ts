import { describe, expect, it } from "vitest";
import { Calendar } from "../../src/calendar/calendar.ts";
import { readIcs } from "../../src/calendar/read-ics.ts";
import { writeIcs } from "../../src/calendar/write-ics.ts";
import { windowSchema } from "../../src/model/calendar.ts";

const ZONE = "Europe/Berlin";

describe("readIcs", () => {
  it("reads whole days in the zone of the window, and times in their own", () => {
    const events = [
      ...read(["SUMMARY:Christmas", "DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"]),
      ...read(["DTSTART;TZID=America/New_York:20261201T100000", "DURATION:PT4H"]),
      ...read(["DTSTART:20261201T230000Z", "DTEND:20261202T010000Z"]),
    ];
    expect(events).toEqual([
      {
        title: "Christmas",
        zone: ZONE,
        start: { date: "2026-12-25", second: 0 },
        end: { days: 2, second: 0 },
        except: [],
      },
      {
        title: "without a title",
        zone: "America/New_York",
        start: { date: "2026-12-01", second: 36_000 },
        end: { days: 0, second: 50_400 },
        except: [],
      },
      {
        title: "without a title",
        zone: "UTC",
        start: { date: "2026-12-01", second: 82_800 },
        end: { days: 1, second: 3_600 },
        except: [],
      },
    ]);
  });

  it("follows a rule with the days that are excepted, whatever zone those are written in", () => {
    const calendar = calendarOf(
      ics(
        "DTSTART;TZID=America/New_York:20261027T100000",
        "DTEND;TZID=America/New_York:20261027T120000",
        "RRULE:FREQ=WEEKLY;COUNT=4;",
        " BYDAY=TU",
        "EXDATE:20261103T150000Z",
        "EXDATE;VALUE=DATE:20261110",
      ),
    );
    const starts = calendar.openSpans(Date.parse("2026-10-01T00:00Z"), Date.parse("2027-01-01T00:00Z"));
    expect(starts.map(({ start }) => new Date(start).toISOString())).toEqual([
      "2026-10-27T14:00:00.000Z",
      "2026-11-17T15:00:00.000Z",
    ]);
  });

  it("leaves cancelled events out", () => {
    expect(read(["DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED"])).toEqual([]);
  });

  it.each([
    [["DTSTART;VALUE=DATE:20261225", "RDATE;VALUE=DATE:20261226"], "h.ics:6:1: RDATE is not supported"],
    [
      ["DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=YEARLY;BYSETPOS=1;BYDAY=MO"],
      "h.ics:6:1: BYSETPOS is not supported",
    ],
    [
      ["DTSTART;TZID=W. Europe Standard Time:20261201T100000", "DURATION:PT1H"],
      'h.ics:5:1: "W. Europe Standard Time" is no IANA time zone',
    ],
    [["DTSTART:20261201T100000Z"], "h.ics:5:1: the event has neither DTEND nor DURATION"],
    [
      ["DTSTART:20261201T100000Z", "DTEND:20261201T100000Z"],
      "h.ics:6:1: the event does not end after its start",
    ],
    [
      ["DTSTART:20261201T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "EXDATE:20261202T110000Z"],
      "h.ics:8:1: an EXDATE is at no time at which the event begins",
    ],
    [["SUMMARY:nothing"], "h.ics:4:1: the event has no DTSTART"],
  ])("refuses %j", (lines, message) => {
    expect(() => read(lines)).toThrow(
      expect.objectContaining({ code: "CALENDAR_INVALID", message }) as Error,
    );
  });

  it("refuses what is no calendar", () => {
    expect(() => readIcs("<html>sign in</html>", { file: "h.ics", zone: ZONE })).toThrow(
      /h\.ics:1:1: no iCalendar file/,
    );
  });
});

describe("writeIcs", () => {
  it("writes what readIcs reads as the same time", () => {
    const spans = [
      { start: Date.parse("2026-12-01T15:00Z"), end: Date.parse("2026-12-01T19:00Z") },
      { start: Date.parse("2027-03-28T00:30Z"), end: Date.parse("2027-03-28T03:00Z") },
    ];
    const text = writeIcs(
      spans.map((span, index) => ({
        ...span,
        uid: `${index}@tminus`,
        title: "Open; now, or later",
        text: "a\nb",
        category: "allow" as const,
      })),
      Date.parse("2026-11-27T00:00Z"),
    );
    expect(text).toContain("SUMMARY:Open\\; now\\, or later\r\n");
    expect(calendarOf(text).openSpans(spans[0]!.start - 1, spans[1]!.end + 1)).toEqual(spans);
  });
});

function ics(...lines: string[]): string {
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//test//EN",
    "BEGIN:VEVENT",
    ...lines,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n");
}

function read(lines: string[]): ReturnType<typeof readIcs> {
  return readIcs(ics(...lines), { file: "h.ics", zone: ZONE });
}

function calendarOf(text: string): Calendar {
  const window = windowSchema.parse({ id: "imported", effect: "allow", ics: "h.ics", zone: ZONE });
  const events = { imported: readIcs(text, { file: "h.ics", zone: ZONE }) };
  return new Calendar({ windows: [window], freezes: [], events });
}
