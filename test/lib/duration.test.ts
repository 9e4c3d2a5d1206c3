import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatDuration,
  formatOffset,
  parseDuration,
  parseOffset,
  writeDuration,
} from "../../src/lib/duration.ts";

describe("parseDuration", () => {
  it.each<[string, number]>([
    ["0s", 0],
    ["250ms", 250],
    ["90s", 90_000],
    ["15m", 900_000],
    ["1h30m", 5_400_000],
    ["1m5ms", 60_005],
    ["2d3h4m5s6ms", 183_845_006],
  ])("reads %s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "5", "s", "-5s", "1.5h", "5 s", "5S", "5s5m", "5s5s", "1h 30m", "5sec", "9999999999999999d"])(
    "does not read %j",
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );
});

describe("writeDuration", () => {
  it("writes what parseDuration reads as the same", () => {
    expect(writeDuration(5_400_000)).toBe("1h30m");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (ms) => {
        expect(parseDuration(writeDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe("formatDuration", () => {
  it.each<[number, string]>([
    [0, "0 ms"],
    [420, "420 ms"],
    [4200, "4.2 s"],
    [59_400, "59 s"],
    [59_600, "1m 00s"],
    [64_000, "1m 04s"],
    [7_860_000, "2h 11m"],
    [273_600_000, "3d 4h"],
  ])("writes %d as %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("offsets", () => {
  it.each<[string, number]>([
    ["T-0", 0],
    ["T+0", 0],
    ["T-30m", -1_800_000],
    ["T+1h30m", 5_400_000],
  ])("reads %s", (text, ms) => expect(parseOffset(text)).toBe(ms));

  it.each(["T", "30m", "T30m", "T--5m", "t-5m", "T-", "T-5"])("does not read %j", (text) =>
    expect(parseOffset(text)).toBeUndefined(),
  );

  it("of whole minutes are read back from how they are shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1439, max: 1439 }), (minutes) => {
        expect(parseOffset(formatOffset(minutes * 60_000))).toBe(minutes * 60_000);
      }),
    );
  });
});
