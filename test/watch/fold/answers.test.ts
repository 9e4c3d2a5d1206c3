import { describe, expect, it } from "vitest";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import { isTrafficCliff } from "../../../src/watch/fold/blindness.ts";
import { endMsOf, takeLook } from "../../../src/watch/fold/watch-state.ts";
import {
  counts,
  folded,
  HOUR,
  looksOf,
  MINUTE,
  nothingThere,
  refused,
  SECOND,
  stateOf,
  value,
  verdictOf,
  watchOf,
  type RuleSetup,
} from "./simulated-watch.ts";

const RULE = "r: when error_rate > 1% -> rollback";
const good = counts(0, 600);
const gauge: RuleSetup = { text: "r: when gauge(pg_conn) > 80% of max for 2m -> rollback", form: "values" };

describe("an answer that can be none", () => {
  it.each<[string, string | RuleSetup, Seen]>([
    ["NaN requests", RULE, counts(0, NaN)],
    ["infinitely many requests", RULE, counts(0, Infinity)],
    ["fewer than no errors", RULE, counts(-1, 100)],
    ["more errors than requests", RULE, counts(101, 100)],
    ["a value where counts were asked for", RULE, value(3)],
    ["counts where a value was asked for", gauge, counts(3, 100)],
    ["NaN", gauge, value(NaN, 100)],
    ["a value of a maximum that it does not name", gauge, value(90)],
    ["a value of a maximum of 0", gauge, value(90, 0)],
    ["half of an event", { text: "r: when count(groups) > 0 -> hold", form: "events" }, value(0)],
  ])("is no data, and never a number: %s", (_, rule, seen) => {
    const watch = watchOf([rule]);
    const state = stateOf(
      folded(
        watch,
        looksOf({ fromMs: 0, toMs: 5 * MINUTE }, () => seen),
      ),
    );
    expect(state).toMatchObject({ cursorMs: 0, seenMs: 0, failure: null, tick: { state: "NODATA" } });
    expect(
      verdictOf(
        watch,
        folded(
          watch,
          looksOf({ fromMs: 0, toMs: HOUR }, () => seen),
        ),
        { nowMs: HOUR },
      ),
    ).toMatchObject({ verdict: expect.stringMatching("BLIND|INCONCLUSIVE") as string });
  });

  it("is no more errors than requests by a rounding error: an outage stays an outage", () => {
    const watch = watchOf([RULE]);
    const looks = looksOf({ fromMs: 0, toMs: 5 * MINUTE }, () => counts(100.00000000000003, 100));
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({ verdict: "FAIL" });
  });

  it("is one about the release without one about the control", () => {
    const watch = watchOf(["r: when error_rate > control * 2 -> rollback"]);
    const state = stateOf(
      folded(
        watch,
        looksOf({ fromMs: 0, toMs: MINUTE }, () => good),
      ),
    );
    expect(state).toMatchObject({
      seenMs: 0,
      tick: { state: "NODATA", reason: "nothing is known of the previous release" },
    });
  });
});

describe("blindness", () => {
  const upTo = (minutes: number): Look[] => looksOf({ fromMs: 0, toMs: minutes * MINUTE }, () => good);
  const failing = (fromMinute: number, toMinute: number, seen: Seen): Look[] =>
    looksOf({ fromMs: fromMinute * MINUTE, toMs: toMinute * MINUTE }, () => seen);

  it("comes after two minutes in the first half hour and after ten later on", () => {
    const watch = watchOf([RULE], { durationMs: 24 * HOUR });
    const early = folded(watch, [...upTo(10), ...failing(10, 13, refused)]);
    expect(verdictOf(watch, early, { nowMs: 13 * MINUTE }).verdict).toBe("PENDING");
    expect(verdictOf(watch, early, { nowMs: 13 * MINUTE + SECOND })).toEqual({
      verdict: "BLIND",
      reason: "connection refused",
    });
    const late = folded(watch, [...upTo(60), ...failing(60, 71, refused)]);
    expect(verdictOf(watch, late, { nowMs: 71 * MINUTE }).verdict).toBe("PENDING");
    expect(verdictOf(watch, late, { nowMs: 71 * MINUTE + SECOND }).verdict).toBe("BLIND");
  });

  it("comes after more than eight looks in the first half hour", () => {
    const watch = watchOf([RULE]);
    const looks = looksOf({ fromMs: 0, toMs: 90 * SECOND, everyMs: 10 * SECOND }, () => refused);
    expect(verdictOf(watch, folded(watch, looks.slice(0, 8)), { nowMs: 90 * SECOND }).verdict).toBe(
      "PENDING",
    );
    expect(verdictOf(watch, folded(watch, looks), { nowMs: 90 * SECOND }).verdict).toBe("BLIND");
  });

  it("comes at once where asking again is of no use, of the control too", () => {
    const unauthorized: Seen = { state: "error", reason: "401", isLasting: true };
    const watch = watchOf([RULE, "c: when error_rate > control * 2 -> rollback"]);
    const own = looksOf({ fromMs: 0, toMs: SECOND }, () => unauthorized);
    const other = looksOf({ fromMs: 0, toMs: SECOND, rule: "c" }, () => ({
      seen: refused,
      control: unauthorized,
    }));
    const state = folded(watch, [...own, ...other]);
    expect(verdictOf(watch, state, { nowMs: SECOND })).toEqual({ verdict: "BLIND", reason: "401" });
    expect(verdictOf(watch, state, { nowMs: SECOND, rule: "c" })).toEqual({
      verdict: "BLIND",
      reason: "401",
    });
  });

  it("ends with the first answer, also about the time in which it was blind", () => {
    const watch = watchOf([RULE]);
    const blind = folded(watch, [...upTo(10), ...failing(10, 15, refused)]);
    const whole: Look = { ...upTo(1)[0]!, fromMs: 10 * MINUTE, toMs: 15 * MINUTE };
    expect(stateOf(takeLook(watch, blind, whole))).toMatchObject({ blind: null, seenMs: 15 * MINUTE });
  });

  it("is of no matter for a rule whose time is over and was seen", () => {
    const watch = watchOf([{ text: RULE, untilMs: 20 * MINUTE }, "other: when error_rate > 5% -> rollback"]);
    const state = folded(watch, [...upTo(20), ...failing(20, 25, refused)]);
    expect(verdictOf(watch, state, { nowMs: 25 * MINUTE }).verdict).toBe("PASS");
  });

  it("turns into no verdict at all when its time is long over", () => {
    const watch = watchOf([RULE]);
    const state = folded(watch, [...upTo(20), ...failing(20, 41, refused)]);
    expect(verdictOf(watch, state, { nowMs: 39 * MINUTE, endMs: endMsOf(watch) }).verdict).toBe("BLIND");
    expect(verdictOf(watch, state, { nowMs: 40 * MINUTE })).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "seen for 20m 00s of 30m 00s",
    });
  });

  it("passes in spite of a twentieth that was not seen, and no more", () => {
    const watch = watchOf([RULE], { durationMs: 100 * MINUTE });
    const withGap = (minutes: number): unknown => {
      const rest = looksOf({ fromMs: (50 + minutes) * MINUTE, toMs: 100 * MINUTE }, () => good);
      return verdictOf(watch, folded(watch, [...upTo(50), ...rest])).verdict;
    };
    expect([withGap(5), withGap(6)]).toEqual(["PASS", "INCONCLUSIVE"]);
  });

  it("does not count what was seen after the end for what was not seen before it", () => {
    const watch = watchOf([RULE], { durationMs: 20 * MINUTE });
    const late: Look = { ...upTo(1)[0]!, fromMs: 10 * MINUTE, toMs: 40 * MINUTE, seen: counts(0, 9000) };
    expect(verdictOf(watch, folded(watch, [late]), { nowMs: HOUR })).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "seen for 10m 00s of 20m 00s",
    });
  });

  it("is not held against a watch whose clock stood still for it", () => {
    const watch = watchOf([RULE]);
    const state = folded(watch, [
      ...upTo(10),
      ...looksOf({ fromMs: 20 * MINUTE, toMs: 40 * MINUTE }, () => good),
    ]);
    const moment = { nowMs: 40 * MINUTE, endMs: 40 * MINUTE };
    expect(verdictOf(watch, state, moment).verdict).toBe("INCONCLUSIVE");
    expect(verdictOf(watch, state, { ...moment, pausedMs: 10 * MINUTE }).verdict).toBe("PASS");
  });
});

describe("looks that come late or twice", () => {
  it("are waited for, as long as the source lags and ten minutes more", () => {
    const watch = watchOf([{ text: RULE, lagMs: 30 * MINUTE }]);
    const state = folded(
      watch,
      looksOf({ fromMs: 0, toMs: 15 * MINUTE }, () => good),
    );
    expect(verdictOf(watch, state, { nowMs: 69 * MINUTE }).verdict).toBe("PENDING");
    expect(verdictOf(watch, state, { nowMs: 70 * MINUTE }).verdict).toBe("INCONCLUSIVE");
  });

  it("change nothing when they reach back into what is known", () => {
    const watch = watchOf([RULE]);
    const state = folded(
      watch,
      looksOf({ fromMs: 0, toMs: 5 * MINUTE }, () => good),
    );
    const again = looksOf({ fromMs: 2 * MINUTE, toMs: 10 * MINUTE, everyMs: 4 * MINUTE }, () => counts(9, 9));
    expect(takeLook(watch, state, again[0]!)).toBe(state);
  });

  it("change nothing when they are of no rule or source of the watch, or after the rule's time", () => {
    const watch = watchOf([{ text: RULE, untilMs: 10 * MINUTE }]);
    const state = folded(
      watch,
      looksOf({ fromMs: 0, toMs: 10 * MINUTE }, () => good),
    );
    const [later] = looksOf({ fromMs: 10 * MINUTE, toMs: 11 * MINUTE }, () => counts(600, 600));
    expect(takeLook(watch, state, later!)).toBe(state);
    expect(takeLook(watch, state, { ...later!, rule: "other" })).toBe(state);
    expect(takeLook(watch, state, { ...later!, source: "other" })).toBe(state);
    expect(takeLook(watch, state, { ...later!, seen: refused })).toBe(state);
  });
});

describe("requests that stop", () => {
  const busy: RuleSetup = { text: RULE, usualPerMinute: 20 };
  const none = counts(0, 0);

  it.each([
    ["none is counted", none],
    ["its source has nothing to say, and says other things", nothingThere],
  ])("are a breach after two minutes, and hold the watch to its end: %s", (_, seen) => {
    const watch = watchOf([busy]);
    const begun = looksOf({ fromMs: 0, toMs: 10 * MINUTE }, () => good);
    const looks = [...begun, ...looksOf({ fromMs: 10 * MINUTE, toMs: 12 * MINUTE }, () => seen)];
    expect(stateOf(folded(watch, looks.slice(0, -1))).tick!.state).not.toBe("BREACH");
    const state = folded(watch, looks);
    expect(stateOf(state).tick).toEqual({
      state: "BREACH",
      atMs: 12 * MINUTE,
      reason: "requests have stopped",
    });
    expect(isTrafficCliff(stateOf(state), 20, 12 * MINUTE)).toBe(true);
    expect(verdictOf(watch, state, { nowMs: 12 * MINUTE + SECOND })).toEqual({
      verdict: "PENDING",
      reason: "requests have stopped",
    });
    const end = folded(
      watch,
      looksOf({ fromMs: stateOf(state).cursorMs, toMs: 30 * MINUTE }, () => none),
      state,
    );
    expect(verdictOf(watch, end)).toEqual({ verdict: "INCONCLUSIVE", reason: "requests have stopped" });
  });

  it("are nothing strange where there were few, and no failure of the release", () => {
    const watch = watchOf([{ ...busy, usualPerMinute: 9 }]);
    const state = folded(
      watch,
      looksOf({ fromMs: 0, toMs: 30 * MINUTE }, () => none),
    );
    expect(stateOf(state).tick).toMatchObject({ state: "NODATA", reason: "no request" });
    expect(verdictOf(watch, state)).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it("are not concluded from a source that does not answer at all", () => {
    const watch = watchOf([busy]);
    const looks = [
      ...looksOf({ fromMs: 0, toMs: MINUTE }, () => none),
      ...looksOf({ fromMs: MINUTE, toMs: 5 * MINUTE }, () => refused),
    ];
    const state = folded(watch, looks);
    expect(isTrafficCliff(stateOf(state), 20, 5 * MINUTE)).toBe(false);
    expect(verdictOf(watch, state, { nowMs: 5 * MINUTE }).verdict).toBe("BLIND");
  });

  it("are not concluded from a look without any at six requests a minute", () => {
    const watch = watchOf([{ ...busy, usualPerMinute: 6 }], { everyMs: 15 * SECOND });
    const looks = looksOf({ fromMs: 0, toMs: 10 * MINUTE, everyMs: 15 * SECOND }, (toMs) =>
      counts(0, toMs % MINUTE === 0 ? 6 : 0),
    );
    expect(stateOf(folded(watch, looks.slice(0, -1))).tick).toMatchObject({ state: "UNSURE" });
  });
});

describe("two sources for one rule", () => {
  const twice: RuleSetup = {
    text: "r: when error_rate from edge and prom > 1% -> rollback",
    sources: ["edge", "prom"],
  };
  const watch = watchOf([twice]);
  const from = (source: string, seen: Seen, toMs = 30 * MINUTE): Look[] =>
    looksOf({ fromMs: 0, toMs, source }, () => seen);

  it("let the worse of what is seen count", () => {
    const state = folded(watch, [...from("edge", good), ...from("prom", counts(90, 600))]);
    expect(verdictOf(watch, state)).toMatchObject({
      verdict: "FAIL",
      reason: expect.stringMatching(/^prom: /) as string,
    });
  });

  it("are blind only when both of them are", () => {
    const one = folded(watch, [...from("edge", good, 10 * MINUTE), ...from("prom", refused, 10 * MINUTE)]);
    expect(verdictOf(watch, one, { nowMs: 10 * MINUTE }).verdict).toBe("PENDING");
    const none = folded(watch, [
      ...from("edge", refused, 10 * MINUTE),
      ...from("prom", refused, 10 * MINUTE),
    ]);
    expect(verdictOf(watch, none, { nowMs: 10 * MINUTE }).verdict).toBe("BLIND");
  });

  it("pass by the one that saw when the other did not", () => {
    const late = looksOf({ fromMs: 20 * MINUTE, toMs: 30 * MINUTE, source: "prom" }, () => good);
    expect(verdictOf(watch, folded(watch, [...from("edge", good), ...late])).verdict).toBe("PASS");
  });

  it("share the risk of a false alarm", () => {
    const state = folded(watch, from("edge", counts(300, 600)));
    expect(stateOf(state, "r", "edge").failure!.evidence!.threshold).toBe(200);
  });
});
