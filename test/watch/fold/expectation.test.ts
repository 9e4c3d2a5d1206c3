import { describe, expect, it } from "vitest";
import type { Seen } from "../../../src/watch/fold/look.ts";
import type { RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import {
  counts,
  folded,
  HOUR,
  looksOf,
  MINUTE,
  SECOND,
  value,
  verdictOf,
  watchOf,
  type RuleSetup,
} from "./simulated-watch.ts";

function judged(
  rule: string | RuleSetup,
  minuteOf: (minute: number) => Seen,
  durationMs = 30 * MINUTE,
): RuleVerdict {
  const watch = watchOf([rule], { durationMs });
  return verdictOf(
    watch,
    folded(
      watch,
      looksOf({ fromMs: 0, toMs: durationMs }, (toMs) => minuteOf(toMs / MINUTE)),
    ),
  );
}

const RULE = "r: expect error_rate < 1% for 30m -> fail-gate";

describe("an expectation about counts", () => {
  it("needs 299 requests without an error for 1 %, and says how many are missing", () => {
    expect(judged(RULE, () => counts(0, 10))).toMatchObject({
      verdict: "PASS",
      reason: "0 %, 0 of 300 in all; with 95 % confidence at most 0.994 %",
    });
    expect(judged(RULE, (minute) => counts(0, minute === 1 ? 8 : 10))).toMatchObject({
      verdict: "INCONCLUSIVE",
      missingRequests: 1,
      reason: expect.stringMatching(/it may be as much as 1 %; 1 more requests are needed$/) as string,
    });
  });

  it("fails when it is shown not to be so, and not by a doubt", () => {
    expect(judged(RULE, () => counts(3, 100))).toMatchObject({ verdict: "FAIL" });
    expect(judged(RULE, (minute) => counts(minute === 3 ? 2 : 0, 10))).toMatchObject({
      verdict: "INCONCLUSIVE",
    });
  });

  it("is about the last part of a watch when it says for how long, and about all of it otherwise", () => {
    const bad = (minute: number): Seen => counts(minute <= 60 ? 5 : 0, 100);
    expect(judged(RULE, bad, 2 * HOUR)).toMatchObject({ verdict: "PASS" });
    expect(judged(RULE.replace(" for 30m", ""), bad, 2 * HOUR)).toMatchObject({ verdict: "FAIL" });
  });

  it("is proven over all of its time, also with a shorter window for its value", () => {
    const rule = "r: expect error_rate over 5m < 1% for 30m -> fail-gate";
    expect(judged(rule, (minute) => counts(minute <= 20 ? 5 : 0, 100))).toMatchObject({ verdict: "FAIL" });
    expect(judged(rule, () => counts(0, 20))).toMatchObject({ verdict: "PASS" });
  });

  it("is not proven by what was seen before the time that it names", () => {
    const watch = watchOf([RULE], { durationMs: 24 * HOUR });
    const looks = looksOf({ fromMs: 0, toMs: 23 * HOUR + 20 * MINUTE }, () => counts(0, 100));
    expect(verdictOf(watch, folded(watch, looks), { nowMs: 25 * HOUR })).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "seen for 0 ms of the last 30m 00s",
    });
    const late = looksOf({ fromMs: 23 * HOUR + 40 * MINUTE, toMs: 24 * HOUR }, () => counts(0, 100));
    expect(verdictOf(watch, folded(watch, [...looks, ...late]))).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "seen for 20m 00s of the last 30m 00s",
    });
  });

  it("about hits of a cache is proven by too few misses", () => {
    expect(judged("r: expect cache_hit > 80% -> note", () => counts(9, 10))).toMatchObject({
      verdict: "PASS",
    });
    expect(judged("r: expect cache_hit > 80% -> note", () => counts(7, 10))).toMatchObject({
      verdict: "FAIL",
    });
    expect(
      judged("r: expect cache_hit > 80% -> note", (minute) =>
        counts(minute === 1 ? 10 : 0, minute === 1 ? 10 : 0),
      ),
    ).toMatchObject({ verdict: "INCONCLUSIVE", missingRequests: 4 });
  });

  it("shows nothing without a request", () => {
    expect(judged(RULE, () => counts(0, 0))).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringContaining("there was no request") as string,
    });
  });

  it("beside a control is held against the least that the control may truly be", () => {
    const beside = (bad: number, controlBad: number, controlTotal = 100): RuleVerdict => {
      const watch = watchOf(["r: expect error_rate < control * 2 -> hold"], { durationMs: HOUR });
      const looks = looksOf({ fromMs: 0, toMs: HOUR }, () => ({
        seen: counts(bad, 100),
        control: counts(controlBad, controlTotal),
      }));
      return verdictOf(watch, folded(watch, looks));
    };
    expect(beside(2, 2)).toMatchObject({ verdict: "PASS" });
    expect(beside(9, 2)).toMatchObject({ verdict: "FAIL" });
    // A control without an error proves nothing about a release without one.
    expect(beside(0, 0)).toMatchObject({ verdict: "INCONCLUSIVE" });
    expect(beside(0, 0)).not.toHaveProperty("missingRequests");
    expect(beside(1, 0, 1)).toMatchObject({ verdict: "INCONCLUSIVE" });
  });

  it("is taken as it is written when it says strictly", () => {
    const strict = RULE.replace(" ->", " strictly ->");
    expect(judged(strict, () => counts(0, 100))).toMatchObject({ verdict: "PASS" });
    expect(judged(strict, (minute) => counts(minute === 20 ? 90 : 0, 100))).toMatchObject({
      verdict: "FAIL",
    });
    expect(judged("r: expect error_rate < 1% strictly -> hold", () => counts(0, 4))).toMatchObject({
      verdict: "PASS",
    });
    expect(judged("r: expect error_rate < 1% strictly -> hold", () => counts(0, 1))).toMatchObject({
      verdict: "INCONCLUSIVE",
    });
    expect(judged("r: expect error_rate <= 0% strictly -> hold", () => counts(0, 100))).toMatchObject({
      verdict: "PASS",
    });
    expect(
      judged("r: expect error_rate <= 0% strictly -> hold", (minute) => counts(minute === 2 ? 1 : 0, 100)),
    ).toMatchObject({ verdict: "FAIL" });
  });

  it("counts its good looks when it says how many of how many", () => {
    const rule = "r: expect error_rate over 1m < 1% for 3 of 5 -> hold";
    const badAt =
      (...minutes: number[]) =>
      (minute: number): Seen =>
        counts(minutes.includes(minute) ? 9 : 0, 100);
    expect(judged(rule, badAt(5, 10, 29, 30))).toMatchObject({ verdict: "PASS" });
    expect(judged(rule, badAt(28, 29, 30))).toMatchObject({ verdict: "FAIL" });
  });
});

describe("an expectation about values", () => {
  const fast: RuleSetup = { text: "r: expect p95(latency) < 500ms -> note", form: "values" };

  it("holds for the mean of all of its time when it names no time", () => {
    expect(judged(fast, (minute) => value(minute === 3 ? 900 : 300))).toMatchObject({
      verdict: "PASS",
      reason: "320 ms",
    });
    expect(judged(fast, () => value(520))).toMatchObject({ verdict: "FAIL", reason: "520 ms" });
  });

  it("holds at every look of the time that it names", () => {
    const rule = { ...fast, text: "r: expect p95(latency) < 500ms for 10m -> note" };
    expect(judged(rule, (minute) => value(minute === 19 ? 900 : 300))).toMatchObject({ verdict: "PASS" });
    expect(judged(rule, (minute) => value(minute === 21 ? 900 : 300))).toMatchObject({ verdict: "FAIL" });
  });

  it("holds at every look when it names only a window", () => {
    const rule = { ...fast, text: "r: expect p95(latency) over 2m < 500ms -> note" };
    expect(judged(rule, (minute) => value(minute === 19 ? 600 : 300))).toMatchObject({ verdict: "PASS" });
    expect(judged(rule, (minute) => value(minute === 19 ? 900 : 300))).toMatchObject({ verdict: "FAIL" });
  });

  it("is not shown by a time in which nobody looked", () => {
    const watch = watchOf([{ ...fast, text: "r: expect p95(latency) < 500ms for 10m -> note" }], {
      durationMs: 2 * HOUR,
    });
    const looks = [
      ...looksOf({ fromMs: 0, toMs: 112 * MINUTE }, () => value(300)),
      ...looksOf({ fromMs: 112 * MINUTE + 20 * SECOND, toMs: 120 * MINUTE }, () => value(300)),
    ];
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({ verdict: "INCONCLUSIVE" });
  });
});
