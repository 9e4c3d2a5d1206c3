import { describe, expect, it } from "vitest";
import type { ProbeOutcome } from "../../../src/watch/fold/probe-state.ts";
import type { WatchDefinition } from "../../../src/watch/fold/definition.ts";
import { initialWatch, takeProbe, type WatchState } from "../../../src/watch/fold/watch-state.ts";
import { HOUR, MINUTE, SECOND, verdictOf, watchOf } from "./simulated-watch.ts";

const RULE = "r: when probe(health) fails for 3 of 3 -> rollback";
const ok: ProbeOutcome = { outcome: "ok", latencyMs: 12 };
const failed: ProbeOutcome = { outcome: "failed", reason: "answered 503" };
const unknown: ProbeOutcome = { outcome: "unknown", reason: "no route from here" };

/** Asked once a minute, or with another pause; undefined: not asked. */
function asked(
  watch: WatchDefinition,
  outcomeAt: (minute: number) => ProbeOutcome | undefined,
  { untilMs = 30 * MINUTE, everyMs = MINUTE } = {},
): WatchState {
  let state = initialWatch(watch);
  for (let atMs = everyMs; atMs <= untilMs; atMs += everyMs) {
    const outcome = outcomeAt(atMs / MINUTE);
    if (outcome !== undefined) state = takeProbe(watch, state, "r", outcome, atMs);
  }
  return state;
}

describe("a rule about a probe", () => {
  const watch = watchOf([RULE]);

  it("fails with the third failure in a row, and stays so", () => {
    const state = asked(watch, (minute) => (minute >= 10 && minute <= 12 ? failed : ok));
    expect(state.probes["r"]!.failure).toEqual({ atMs: 12 * MINUTE, reason: "answered 503" });
    expect(verdictOf(watch, state)).toEqual({
      verdict: "FAIL",
      reason: "failed, 3 of 3 times: answered 503",
    });
  });

  it("is not failed by what could not be asked, nor is a row of failures ended by it", () => {
    expect(
      verdictOf(
        watch,
        asked(watch, () => unknown),
      ),
    ).toMatchObject({ verdict: "BLIND", reason: "could not be asked: no route from here" });
    const between = asked(watch, (minute) =>
      minute === 11 ? unknown : minute >= 10 && minute <= 13 ? failed : ok,
    );
    expect(between.probes["r"]!.failure).toMatchObject({ atMs: 13 * MINUTE });
  });

  it("passes with single failures, and not without the last answer being good", () => {
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute % 10 === 5 ? failed : ok)),
      ),
    ).toEqual({ verdict: "PASS", reason: "27 of 30 answers good" });
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute === 30 ? failed : ok)),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE", reason: "the last answer was not good: answered 503" });
  });

  it("passes only when it was asked to the end, and at nineteen of twenty times", () => {
    expect(verdictOf(watch, initialWatch(watch))).toMatchObject({ verdict: "INCONCLUSIVE" });
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute <= 26 ? ok : undefined)),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE", reason: "was not asked to the end; 26 of 26 answers good" });
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute === 9 || minute === 10 ? undefined : ok)),
      ),
    ).toMatchObject({ verdict: "PASS" });
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute >= 9 && minute <= 11 ? undefined : ok)),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE", reason: "was asked 27 times in 30m 00s" });
    expect(
      verdictOf(
        watch,
        asked(watch, (minute) => (minute % 10 === 5 ? unknown : ok)),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE", reason: "could not be asked 3 of 30 times" });
  });

  it("is held against the cadence of each stage, not of the slowest", () => {
    const staged: WatchDefinition = {
      ...watchOf([RULE], { durationMs: 2 * HOUR }),
      stages: [
        { name: "first", fromMs: 0, untilMs: HOUR, everyMs: 15 * SECOND },
        { name: "rest", fromMs: HOUR, untilMs: 2 * HOUR, everyMs: 5 * MINUTE },
      ],
    };
    expect(
      verdictOf(
        staged,
        asked(staged, () => ok, { untilMs: 2 * HOUR, everyMs: 15 * SECOND }),
      ),
    ).toMatchObject({ verdict: "PASS" });
    // Twice an hour too seldom, and more often than the rest of the watch would ask.
    expect(
      verdictOf(
        staged,
        asked(staged, () => ok, { untilMs: 2 * HOUR, everyMs: MINUTE }),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it("is asked on when the watch is prolonged, by the cadence of its last stage", () => {
    const slow = watchOf([RULE], { everyMs: 5 * MINUTE });
    const state = asked(slow, () => ok, { untilMs: 56 * MINUTE, everyMs: 5 * MINUTE });
    expect(verdictOf(slow, state, { endMs: HOUR, nowMs: HOUR })).toMatchObject({ verdict: "PASS" });
    expect(verdictOf(slow, state, { endMs: 2 * HOUR, nowMs: 2 * HOUR })).toMatchObject({
      verdict: "INCONCLUSIVE",
    });
  });

  it("learns nothing outside of its own time, nor from an answer that is not later than the last one", () => {
    const staged = watchOf([{ text: RULE, fromMs: 5 * MINUTE, untilMs: 10 * MINUTE }]);
    const before = initialWatch(staged);
    expect(takeProbe(staged, before, "r", failed, 4 * MINUTE)).toBe(before);
    expect(takeProbe(staged, before, "r", failed, 11 * MINUTE)).toBe(before);
    expect(takeProbe(staged, before, "other", failed, 6 * MINUTE)).toBe(before);
    const after = takeProbe(staged, before, "r", failed, 6 * MINUTE);
    expect(takeProbe(staged, after, "r", failed, 6 * MINUTE).probes).toEqual(after.probes);
  });

  it("is pending before its end", () => {
    expect(
      verdictOf(
        watch,
        asked(watch, () => ok, { untilMs: 10 * MINUTE }),
        { nowMs: 10 * MINUTE },
      ),
    ).toEqual({ verdict: "PENDING", reason: "10 of 10 answers good" });
  });
});
