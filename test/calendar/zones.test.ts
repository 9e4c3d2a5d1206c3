import { describe, expect, it } from "vitest";
import { Calendar } from "../../src/calendar/calendar.ts";
import { windowSchema } from "../../src/model/calendar.ts";
import { weekdayNames } from "../../src/model/weekday.ts";
import {
  openMinutes,
  transitionsOf,
  type MinuteWindow,
  type Transition,
} from "../support/minute-calendar.ts";

/** TMINUS_FULL_CALENDAR=1 asks for every minute, and finds the changes of the clocks hour by hour. */
const isFull = process.env.TMINUS_FULL_CALENDAR === "1";
const FROM = Date.UTC(2024, 0, 1) / 60_000;
const TO = Date.UTC(2035, 0, 1) / 60_000;
const DAY = 1440;
const AROUND = 36 * 60;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const zones = Intl.supportedValuesOf("timeZone");

describe("windows, held against a look at every minute", { timeout: 3_600_000 }, () => {
  it("are the same around every change of the clocks in every zone from 2024 to 2034", () => {
    let transitionCount = 0;
    let compared = 0;
    const differences: string[] = [];
    for (const zone of zones) {
      const transitions = transitionsOf(zone, FROM, TO, isFull ? 60 : 5 * DAY);
      transitionCount += transitions.length;
      const around =
        transitions.length > 0 ? transitions : [{ minute: FROM + DAY * 100, before: 0, after: 0 }];
      const known = transitions.length > 0 ? transitions : fixed(zone);
      for (const transition of around) {
        const all = windowsAt(transition);
        // Many zones change their clocks together: each looks at some of the windows, in turn.
        const turn = isFull ? all : all.filter((_, index) => (index + compared) % 4 === 0);
        compared++;
        for (const windows of turn) compare(zone, windows, known, transition, differences);
        if (differences.length > 20) break;
      }
      if (differences.length > 20) break;
    }
    expect(differences).toEqual([]);
    expect(zones.length).toBeGreaterThan(400);
    expect(transitionCount).toBeGreaterThan(2_500);
  });
});

/** A zone whose clocks are never changed, as one change that changes nothing. */
function fixed(zone: string): Transition[] {
  const offset = offsetAt(zone);
  return [{ minute: FROM, before: offset, after: offset }];
}

function offsetAt(zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).format(
    FROM * 60_000,
  );
  const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(parts) ?? [];
  return sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Windows whose ends are before, at, inside, and after the time that is skipped or shown twice. */
function windowsAt({ minute, before, after }: Transition): MinuteWindow[][] {
  const walls = [minute + before, minute + after].sort((a, b) => a - b) as [number, number];
  const [low, high] = walls.map((wall) => ((wall % DAY) + DAY) % DAY) as [number, number];
  const weekday = (Math.floor(walls[0] / DAY) + 4) % 7;
  const inside = (low + Math.max(1, Math.floor((walls[1] - walls[0]) / 2))) % DAY;
  const allow = (fromMinute: number, toMinute: number, weekdays = EVERY_DAY): MinuteWindow => ({
    effect: "allow",
    weekdays,
    fromMinute,
    toMinute: toMinute <= fromMinute ? toMinute + DAY : toMinute,
  });
  const deny = (...args: Parameters<typeof allow>): MinuteWindow => ({ ...allow(...args), effect: "deny" });
  return [
    [allow(600, 840, [2, 3, 4])],
    [allow(inside, (inside + 600) % DAY)],
    [allow((inside + 900) % DAY, inside)],
    [allow(inside, (inside + 10) % DAY), allow(low, (low + 1) % DAY)],
    [allow(low, high === low ? low + 1 : high), deny(high, (high + 30) % DAY)],
    [deny(inside, (high + 15) % DAY), deny((low + 1380) % DAY, low)],
    [allow(0, DAY, [weekday]), deny(inside, (inside + 20) % DAY)],
    [allow(0, DAY, [(weekday + 1) % 7, (weekday + 6) % 7])],
  ];
}

function compare(
  zone: string,
  windows: readonly MinuteWindow[],
  transitions: readonly Transition[],
  { minute }: Transition,
  differences: string[],
): void {
  const [from, to] = [minute - AROUND, minute + AROUND];
  const expected = openMinutes(windows, transitions, from, to);
  const calendar = calendarOf(zone, windows);
  const say = (what: string, at: number): void => {
    differences.push(`${zone} ${new Date(at * 60_000).toISOString()} ${what} ${JSON.stringify(windows)}`);
  };
  const actual = new Uint8Array(to - from);
  for (const { start, end } of calendar.openSpans(from * 60_000, to * 60_000))
    actual.fill(1, start / 60_000 - from, end / 60_000 - from);
  const wrong = actual.findIndex((isOpen, index) => isOpen !== expected[index]);
  if (wrong >= 0) say("open or closed", from + wrong);

  for (const at of askedAt(minute, expected, from)) {
    const { isOpen, opensAt, closesAt } = calendar.at(at * 60_000);
    const index = at - from;
    if (isOpen !== (expected[index] === 1)) say("at", at);
    // Beyond the minutes that were looked at nothing is known.
    const opens = expected.indexOf(1, index);
    if (!isOpen && opens >= 0 && opensAt !== (from + opens) * 60_000) say("opensAt", at);
    const closes = opens < 0 ? -1 : expected.indexOf(0, opens);
    if (closes >= 0 && closesAt !== (from + closes) * 60_000) say("closesAt", at);
  }
}

/** Beside each edge near the change, and at the change itself. */
function askedAt(minute: number, expected: Uint8Array, from: number): number[] {
  if (isFull) return Array.from(expected, (_, index) => from + index);
  const edges = [...expected.keys()].filter((index) => index > 0 && expected[index] !== expected[index - 1]);
  const nearest = edges.sort((a, b) => Math.abs(a + from - minute) - Math.abs(b + from - minute)).slice(0, 2);
  return [minute, ...nearest.flatMap((index) => [from + index - 1, from + index])];
}

function calendarOf(zone: string, windows: readonly MinuteWindow[]): Calendar {
  return new Calendar({
    freezes: [],
    events: {},
    windows: windows.map(({ effect, weekdays, fromMinute, toMinute }, index) =>
      windowSchema.parse({
        id: `w${index}`,
        effect,
        zone,
        days: weekdays.map((weekday) => weekdayNames[(weekday + 6) % 7]),
        from: clockText(fromMinute),
        ...(toMinute - fromMinute === DAY && fromMinute !== 0
          ? {}
          : { to: clockText(toMinute === DAY ? DAY : toMinute % DAY) }),
      }),
    ),
  });
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
