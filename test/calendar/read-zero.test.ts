import { describe, expect, it } from "vitest";
import { readZero } from "../../src/calendar/read-zero.ts";

const NOW = Date.parse("2026-10-01T00:00:00Z");

describe("the time that somebody names for T-0", () => {
  it.each([
    ["2026-12-01 10:00 America/New_York", "2026-12-01T15:00:00.000Z", "America/New_York"],
    ["2026-07-01T10:00 Europe/Berlin", "2026-07-01T08:00:00.000Z", "Europe/Berlin"],
    ["2026-12-01T10:00-05:00", "2026-12-01T15:00:00.000Z", "UTC"],
    ["2026-12-01T15:00Z", "2026-12-01T15:00:00.000Z", "UTC"],
    ["4h", "2026-10-01T04:00:00.000Z", "UTC"],
  ])("%s is %s", (text, at, zone) => {
    expect(readZero(text, NOW)).toEqual({ at: Date.parse(at), zone });
  });

  it("is refused when the clocks skip it, with the time from which on they show any", () => {
    expect(readZero("2027-03-14 02:30 America/New_York", NOW)).toEqual({
      problem: "the clocks in America/New_York skip 2027-03-14 02:30",
      hint: "They show Sun 2027-03-14 03:00 America/New_York then: name a time from there on.",
    });
  });

  it("is refused when the clocks show it twice, with both instants", () => {
    expect(readZero("2026-11-01 01:30 America/New_York", NOW)).toEqual({
      problem: "the clocks in America/New_York show 2026-11-01 01:30 twice",
      hint: "Write 2026-11-01T05:30Z or 2026-11-01T06:30Z.",
    });
    expect(readZero("2026-11-01 02:00 America/New_York", NOW)).toHaveProperty("at");
    expect(readZero("2026-11-01 00:59 America/New_York", NOW)).toHaveProperty("at");
  });

  it.each([
    "tomorrow",
    "2026-12-01",
    "2026-12-01 10:00 EST5",
    "2026-12-01 Europe/Berlin",
    "2026-12-01T10:00",
  ])("%s is refused", (text) => expect(readZero(text, NOW)).toHaveProperty("problem"));
});
