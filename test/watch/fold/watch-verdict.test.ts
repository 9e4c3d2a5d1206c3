import { describe, expect, it } from "vitest";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import { initialWatch, judgeWatch, type WatchJudgement } from "../../../src/watch/fold/watch-state.ts";
import {
  counts,
  folded,
  HOUR,
  looksOf,
  MINUTE,
  nothingThere,
  refused,
  stateOf,
  value,
  watchOf,
  type RuleSetup,
} from "./simulated-watch.ts";

const END = 30 * MINUTE;
const GOOD = counts(0, 600);
const SEEN: Record<string, Seen> = {
  pass: GOOD,
  fail: counts(90, 600),
  inconclusive: counts(0, 1),
  blind: refused,
};

/** A watch with a rule for each of these, at its end or at another time. */
function judged(
  rules: Record<string, keyof typeof SEEN>,
  { action = "rollback", nowMs = END, endMs = END, accepted = [] as string[] } = {},
): WatchJudgement {
  const watch = watchOf(Object.keys(rules).map((name) => `${name}: when error_rate > 1% -> ${action}`));
  const looks = Object.entries(rules).flatMap(([rule, seen]): Look[] =>
    looksOf({ fromMs: 0, toMs: Math.min(END, nowMs), rule }, () => SEEN[seen]!),
  );
  return judgeWatch(watch, folded(watch, looks), { nowMs, endMs }, accepted);
}

describe("the verdict of a watch", () => {
  it("is the worst of its rules: failed, blind, inconclusive, passed", () => {
    expect(judged({ a: "pass", b: "inconclusive", c: "blind", d: "fail" }).verdict).toBe("FAIL");
    expect(judged({ a: "pass", b: "inconclusive", c: "blind" }).verdict).toBe("BLIND");
    expect(judged({ a: "pass", b: "inconclusive" }).verdict).toBe("INCONCLUSIVE");
    expect(judged({ a: "pass", b: "pass" })).toMatchObject({
      verdict: "PASS",
      reason: "a: 0 %, 0 of 18,000 in all; b: 0 %, 0 of 18,000 in all",
    });
  });

  it("names the rules that decide it, and judges all of them", () => {
    const { reason, rules } = judged({ a: "pass", b: "fail", c: "fail" });
    expect(reason).toMatch(/^b: error_rate > 1%.*; c: error_rate > 1%/);
    expect(Object.values(rules).map(({ verdict }) => verdict)).toEqual(["PASS", "FAIL", "FAIL"]);
  });

  it("fails before its end and passes only at it, also when that was put off", () => {
    expect(judged({ a: "fail" }, { nowMs: 10 * MINUTE }).verdict).toBe("FAIL");
    expect(judged({ a: "pass" }, { nowMs: END - 1 }).verdict).toBe("PENDING");
    expect(judged({ a: "pass" }, { endMs: HOUR }).verdict).toBe("PENDING");
  });

  it("is not made by rules that only tell, by shadow rules, nor by what a person accepted", () => {
    expect(judged({ a: "fail" }, { action: "page" })).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: "there is no rule that could stop it",
      rules: { a: { verdict: "FAIL" } },
    });
    const shadow: RuleSetup = { text: "b: when error_rate > 1% -> rollback", isShadow: true };
    const watch = watchOf(["a: when error_rate > 20% -> rollback", shadow]);
    const looks = ["a", "b"].flatMap((rule) =>
      looksOf({ fromMs: 0, toMs: END, rule }, () => counts(60, 600)),
    );
    expect(judgeWatch(watch, folded(watch, looks), { nowMs: END, endMs: END })).toMatchObject({
      verdict: "PASS",
      rules: { b: { verdict: "FAIL" } },
    });
    expect(judged({ a: "pass", b: "fail" }, { accepted: ["b"] })).toMatchObject({
      verdict: "PASS",
      reason: "a: 0 %, 0 of 18,000 in all; accepted: b",
    });
    expect(judged({ b: "inconclusive" }, { accepted: ["b"] })).toMatchObject({
      verdict: "PASS",
      reason: "accepted: b",
    });
  });

  it("judges the rules of a stage at the end of their stage", () => {
    const watch = watchOf(
      [
        { text: "a: when error_rate > 1% -> rollback", untilMs: 10 * MINUTE },
        "b: when error_rate > 1% -> rollback",
      ],
      { durationMs: HOUR },
    );
    const looks = looksOf({ fromMs: 0, toMs: 10 * MINUTE, rule: "a" }, () => counts(0, 10));
    const { verdict, rules } = judgeWatch(watch, folded(watch, looks), { nowMs: 10 * MINUTE, endMs: HOUR });
    expect(rules).toMatchObject({ a: { verdict: "INCONCLUSIVE" }, b: { verdict: "PENDING" } });
    expect(verdict).toBe("INCONCLUSIVE");
  });

  it("prolongs only the rules that end with it", () => {
    const watch = watchOf([
      { text: "a: when error_rate > 1% -> rollback", untilMs: 10 * MINUTE },
      "b: when error_rate > 1% -> rollback",
    ]);
    const looks = [
      ...looksOf({ fromMs: 0, toMs: 10 * MINUTE, rule: "a" }, () => GOOD),
      ...looksOf({ fromMs: 0, toMs: HOUR, rule: "b" }, () => GOOD),
    ];
    const state = folded(watch, looks);
    expect(judgeWatch(watch, state, { nowMs: HOUR, endMs: HOUR }).verdict).toBe("PASS");
    expect(stateOf(state, "b").cursorMs).toBe(HOUR);
  });
});

describe("what a watch keeps", () => {
  const RULES: RuleSetup[] = [
    { text: "a: when error_rate > 1% for 5m -> rollback", usualPerMinute: 300 },
    { text: "b: when error_rate > control * 2 floor 0.1% -> hold", exposure: 0.5 },
    { text: "c: when gauge(pg_conn) > 80% of max for 2m -> page", form: "values" },
    { text: "d: expect error_rate < 1% for 30m -> fail-gate" },
    { text: "e: when count(groups) > 0 -> hold", form: "events" },
    { text: "f: when error_rate over 1m > 1% for 3 of 5 -> hold" },
  ];
  const ANSWERS: Record<string, (atMs: number) => Seen | { seen: Seen; control: Seen }> = {
    a: (atMs) => counts(atMs % 7 === 0 ? 3 : 0, 300.25),
    b: (atMs) => ({ seen: counts(1, 300), control: counts(atMs % 3 === 0 ? 2 : 0, 310) }),
    c: (atMs) => value(30 + (atMs % 11), 100),
    d: () => counts(1, 400),
    e: () => ({ state: "events", count: 0 }),
    f: (atMs) => counts(atMs % (3 * MINUTE) === 0 ? 9 : 0, 300),
  };
  const watch = watchOf(RULES, { durationMs: 2 * HOUR });
  const looksIn = (fromMs: number, toMs: number): Look[] =>
    looksOf({ fromMs, toMs }, () => GOOD).flatMap((look) =>
      RULES.map(({ text }): Look => {
        const rule = text[0]!;
        const answer = ANSWERS[rule]!(look.toMs);
        return { ...look, rule, ...("seen" in answer ? answer : { seen: answer }) };
      }),
    );

  it("is the same to the byte when it is written and read after every look", () => {
    const whole = folded(watch, looksIn(0, 2 * HOUR));
    const cut = looksIn(0, 2 * HOUR).reduce(
      (state, look) => JSON.parse(JSON.stringify(folded(watch, [look], state))) as typeof state,
      initialWatch(watch),
    );
    expect(JSON.stringify(cut)).toBe(JSON.stringify(whole));
  });

  it("is the same to the byte when an hour was answered only afterwards", () => {
    const answers = [refused, nothingThere, counts(0, NaN), { state: "stale", reason: "old" } as const];
    const outage = looksIn(30 * MINUTE, 90 * MINUTE).map((look, index): Look => ({
      ...look,
      seen: answers[index % answers.length]!,
    }));
    const state = folded(watch, [...looksIn(0, 30 * MINUTE), ...outage, ...looksIn(30 * MINUTE, 2 * HOUR)]);
    expect(JSON.stringify(state)).toBe(JSON.stringify(folded(watch, looksIn(0, 2 * HOUR))));
  });

  it("is a few kilobytes after a day", () => {
    const day = watchOf(RULES, { durationMs: 24 * HOUR });
    const state = JSON.stringify(folded(day, looksIn(0, 24 * HOUR)));
    expect(state.length / RULES.length).toBeLessThan(20_000);
  });
});
