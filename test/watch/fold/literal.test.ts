import { describe, expect, it } from "vitest";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import type { RuleState } from "../../../src/watch/fold/rule-state.ts";
import {
  counts,
  folded,
  HOUR,
  looksOf,
  MINUTE,
  refused,
  SECOND,
  stateOf,
  value,
  verdictOf,
  watchOf,
  type RuleSetup,
} from "./simulated-watch.ts";

const STRICT = "r: when error_rate > 1% for 5m strictly -> rollback";
const GAUGE: RuleSetup = { text: "r: when gauge(pg_conn) > 95% of max for 2m -> rollback", form: "values" };

/** The state after one look a minute for each of these. */
function after(rule: string | RuleSetup, minutes: readonly Seen[], durationMs = HOUR): RuleState {
  const watch = watchOf([rule], { durationMs });
  const looks = looksOf({ fromMs: 0, toMs: minutes.length * MINUTE }, (toMs) => minutes[toMs / MINUTE - 1]!);
  return stateOf(folded(watch, looks));
}

function times(many: number, seen: Seen): Seen[] {
  return Array.from({ length: many }, () => seen);
}

describe("a rule that is taken literally", () => {
  it("fails when every look of its time was a breach", () => {
    const bad = counts(3, 100);
    expect(after(STRICT, times(5, bad)).failure).toBeNull();
    expect(after(STRICT, times(6, bad)).failure).toEqual({
      atMs: 6 * MINUTE,
      value: 3,
      count: 500,
      bad: 15,
      heldMs: 5 * MINUTE,
    });
  });

  it("begins anew after one look within its limit", () => {
    const series = [...times(5, value(97, 100)), value(50, 100), ...times(2, value(97, 100))];
    expect(after({ ...GAUGE, text: GAUGE.text.replace("2m", "5m") }, series)).toMatchObject({
      failure: null,
      literal: { hold: { sinceMs: 7 * MINUTE, heldMs: MINUTE } },
    });
  });

  it("takes the newest value, and the mean only over a window that it names", () => {
    const series = [...times(4, value(50, 100)), ...times(3, value(99, 100))];
    expect(after(GAUGE, series).failure).toMatchObject({ atMs: 7 * MINUTE, value: 99 });
    const mean = after({ ...GAUGE, text: GAUGE.text.replace(" >", " over 4m >") }, series);
    expect(mean).toMatchObject({ failure: null, tick: { state: "OK", value: (50 + 3 * 99) / 4 } });
  });

  it("does not let its window reach back past the beginning of the watch", () => {
    const watch = watchOf([STRICT]);
    const before: Look[] = looksOf({ fromMs: -5 * MINUTE, toMs: 0 }, () => counts(100, 100));
    const looks = [...before, ...looksOf({ fromMs: 0, toMs: MINUTE }, () => counts(0, 100))];
    expect(stateOf(folded(watch, looks))).toMatchObject({ sum: { bad: 0, total: 100 }, tick: { value: 0 } });
  });

  it("is unsure, and neither good nor bad, with less than 50 requests in its window", () => {
    const few = after(STRICT, times(30, counts(3, 6)));
    expect(few).toMatchObject({ failure: null, judgedMs: 0, tick: { state: "UNSURE", value: 50 } });
    const watch = watchOf([STRICT]);
    const looks = looksOf({ fromMs: 0, toMs: 30 * MINUTE }, () => counts(0, 6));
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringContaining("could be judged for 0 ms only") as string,
    });
  });

  it("takes its own floor instead of 50 requests", () => {
    const rule = "r: when error_rate > 1% for 5m min 20 requests strictly -> rollback";
    expect(after(rule, times(12, counts(3, 6))).failure).not.toBeNull();
  });

  it("counts its bad looks when it says how many of how many", () => {
    const rule = "r: when error_rate over 1m > 1% for 3 of 5 -> rollback";
    const bad = counts(9, 100);
    const good = counts(0, 100);
    expect(after(rule, [bad, good, bad, good, good, bad]).failure).toBeNull();
    expect(after(rule, [bad, good, bad, good, bad]).failure).toMatchObject({ atMs: 5 * MINUTE });
  });

  it("holds exactly at its limit as it is written", () => {
    const rule = "r: when error_rate >= 7% strictly -> rollback";
    expect(after(rule, [counts(7, 100)]).failure).not.toBeNull();
    expect(after(rule.replace(">=", ">"), [counts(7, 100)]).failure).toBeNull();
  });

  it("counts events since its beginning", () => {
    const rule: RuleSetup = { text: "r: when count(new_groups) > 2 -> hold", form: "events" };
    const one: Seen = { state: "events", count: 1 };
    const none: Seen = { state: "events", count: 0 };
    expect(after(rule, [one, none, none, one, ...times(20, none)]).failure).toBeNull();
    expect(after(rule, [one, none, none, one, ...times(20, none), one]).failure).toMatchObject({ value: 3 });
  });

  it("needs both windows of an error budget", () => {
    const budget = "r: when error_rate > burn(99%, 30d) * 2 over 20m and 5m strictly -> page";
    const [good, bad] = [counts(0, 100), counts(20, 100)];
    expect(after(budget, [...times(10, good), ...times(2, bad)]).failure).toMatchObject({
      atMs: 12 * MINUTE,
    });
    const over = after(budget.replace("5m", "1m for 3 of 3"), [...times(2, bad), ...times(6, good)]);
    expect(over).toMatchObject({ failure: null, tick: { state: "OK", value: 5 } });
  });

  it("takes an error budget for what it is also where it is about too few", () => {
    const few = "r: when success_rate < burn(99%, 30d) * 2 over 20m and 5m strictly -> page";
    expect(after(few, times(10, counts(99, 100))).failure).toBeNull();
    expect(after(few, times(10, counts(90, 100))).failure).not.toBeNull();
  });

  it("keeps its samples few, and its window right, over a day of looks every ten seconds", () => {
    const watch = watchOf(["r: expect error_rate over 5m < 1% for 24h -> fail-gate"], {
      durationMs: 24 * HOUR,
    });
    const looks = looksOf({ fromMs: 0, toMs: 24 * HOUR, everyMs: 10 * SECOND }, (toMs) =>
      counts(toMs / SECOND === 86_390 ? 1 : 0, 10),
    );
    const { literal, tick } = stateOf(folded(watch, looks));
    expect(literal.samples.length).toBeLessThan(600);
    expect(JSON.stringify(literal).length).toBeLessThan(50_000);
    expect(tick).toEqual({ state: "OK", atMs: 24 * HOUR, value: 100 / 300, count: 300 });
    expect(literal.samples[0]!.atMs).toBeLessThanOrEqual(6 * MINUTE);
  });
});

describe("a hold across a time in which nobody looked", () => {
  const bad = counts(9, 100);

  function heldAfter(gapMs: number): RuleState {
    const watch = watchOf(["r: when error_rate over 1m > 1% for 10m strictly -> rollback"], {
      durationMs: 24 * HOUR,
    });
    const looks = [
      ...looksOf({ fromMs: 0, toMs: 8 * MINUTE }, () => bad),
      ...looksOf({ fromMs: 8 * MINUTE + gapMs, toMs: 10 * MINUTE + gapMs }, () => bad),
    ];
    return stateOf(folded(watch, looks));
  }

  it("is frozen for up to an hour", () => {
    expect(heldAfter(HOUR).literal.hold).toEqual({ sinceMs: MINUTE, heldMs: 9 * MINUTE });
  });

  it("begins anew after more", () => {
    expect(heldAfter(HOUR + SECOND).literal.hold).toMatchObject({ heldMs: MINUTE });
  });

  it("is frozen also where a counter tells only the sum of that time", () => {
    const watch = watchOf([STRICT], { durationMs: 24 * HOUR });
    const begun = looksOf({ fromMs: 0, toMs: 3 * MINUTE }, () => bad);
    const hour: Look = { ...begun[0]!, fromMs: 3 * MINUTE, toMs: HOUR, seen: counts(600, 6000) };
    const state = stateOf(folded(watch, [...begun, hour]));
    expect(state).toMatchObject({ failure: null, literal: { hold: { heldMs: 2 * MINUTE } } });
    expect(state.seenMs).toBe(HOUR);
    const longer = { ...hour, toMs: 2 * HOUR };
    expect(stateOf(folded(watch, [...begun, longer])).literal.hold).toMatchObject({ heldMs: 0 });
  });

  it("is neither ended nor lengthened by looks that were not answered", () => {
    const watch = watchOf([STRICT]);
    const looks = [
      ...looksOf({ fromMs: 0, toMs: 4 * MINUTE }, () => bad),
      ...looksOf({ fromMs: 4 * MINUTE, toMs: 20 * MINUTE }, () => refused),
    ];
    expect(stateOf(folded(watch, looks))).toMatchObject({
      failure: null,
      literal: { hold: { heldMs: 3 * MINUTE } },
      tick: { state: "ERROR", reason: "connection refused" },
    });
  });
});

describe("the verdict of a rule that is taken literally", () => {
  it("is inconclusive when it ends over its limit, but not for long enough", () => {
    const watch = watchOf([GAUGE], { durationMs: 10 * MINUTE });
    const looks = looksOf({ fromMs: 0, toMs: 10 * MINUTE }, (toMs) =>
      value(toMs >= 9 * MINUTE ? 99 : 40, 100),
    );
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it.each([
    ["INCONCLUSIVE", "r: when gauge(pg_conn) > 95% of max for 2m -> rollback"],
    ["FAIL", "r: expect gauge(pg_conn) < 50% of max -> hold"],
  ])("is by what was seen last, not by a look after it that was not answered: %s", (verdict, text) => {
    const watch = watchOf([{ text, form: "values" }]);
    const looks = [
      ...looksOf({ fromMs: 0, toMs: 28 * MINUTE }, () => value(45, 100)),
      ...looksOf({ fromMs: 28 * MINUTE, toMs: 29 * MINUTE }, () => value(1000, 100)),
      ...looksOf({ fromMs: 29 * MINUTE, toMs: 30 * MINUTE }, () => refused),
    ];
    expect(verdictOf(watch, folded(watch, looks), { nowMs: HOUR })).toMatchObject({ verdict });
  });
});
