import { describe, expect, it } from "vitest";
import type { RuleTest } from "../../../src/watch/fold/definition.ts";
import { resolveTest, type RuleWorld } from "../../../src/watch/fold/resolve-test.ts";
import { upperBound, lowerBound } from "../../../src/watch/statistics/share-bounds.ts";
import { counts, folded, looksOf, MINUTE, ruleOf, stateOf, verdictOf, watchOf } from "./simulated-watch.ts";

function testOf(text: string, world: Partial<RuleWorld> = {}): RuleTest {
  return resolveTest(ruleOf(text), { form: "counts", before: undefined, exposure: undefined, ...world });
}

const before = { form: "counts" as const, bad: 100, total: 100_000 };
const close = (value: number): number => expect.closeTo(value, 12) as number;

describe("the test of a rule", () => {
  it("is a share with the odds of a false alarm where it acts on counts", () => {
    expect(testOf("r: when error_rate > 1% -> rollback")).toEqual({
      how: "share",
      target: 0.01,
      isFlipped: false,
      alpha: 0.01,
    });
  });

  it("has no odds when it is taken strictly, counts its looks, or is an expectation", () => {
    const plain = { how: "share", target: 0.01, isFlipped: false };
    expect(testOf("r: when error_rate > 1% strictly -> rollback")).toEqual(plain);
    expect(testOf("r: when error_rate > 1% for 3 of 5 -> rollback")).toEqual(plain);
    expect(testOf("r: expect error_rate < 1% -> hold")).toEqual(plain);
  });

  it("acts on a single request where none may be bad", () => {
    const rule = "r: when error_rate > 0% -> rollback";
    expect(testOf(rule)).toEqual({ how: "share", target: 0, isFlipped: false });
    expect(testOf("r: when uptime < 100% -> rollback")).toEqual({ how: "share", target: 0, isFlipped: true });
    const watch = watchOf([rule]);
    const after = (bad: number): unknown =>
      verdictOf(
        watch,
        folded(
          watch,
          looksOf({ fromMs: 0, toMs: 30 * MINUTE }, (toMs) => counts(toMs === 9 * MINUTE ? bad : 0, 100)),
        ),
      ).verdict;
    expect([after(0), after(1)]).toEqual(["PASS", "FAIL"]);
  });

  it.each([
    ["r: when error_rate > 100% -> rollback", "always or never"],
    ["r: when error_rate >= 0% -> rollback", "always or never"],
    ["r: when uptime < 0% -> rollback", "always or never"],
    ["r: expect error_rate <= 0% -> hold", "cannot be proven"],
    ["r: expect uptime >= 100% -> hold", "cannot be proven"],
    ["r: when error_rate > burn(90%, 30d) * 14.4 over 1h and 5m -> page", "no share of bad requests"],
    ["r: when error_rate > baseline(before 1d) * 2 -> page", "there is no baseline"],
    ["r: when cache_hit < control * 0.9 floor 1% -> hold", "a floor is for rules about too much"],
  ])("is inconclusive from the beginning where nothing could be told: %s", (rule, reason) => {
    expect(testOf(rule)).toEqual({ how: "undecidable", reason: expect.stringContaining(reason) as string });
    const watch = watchOf([rule]);
    const state = folded(
      watch,
      looksOf({ fromMs: 0, toMs: MINUTE }, () => counts(60, 60)),
    );
    expect(stateOf(state)).toMatchObject({ cursorMs: 0, tick: null });
    expect(verdictOf(watch, state, { nowMs: MINUTE })).toMatchObject({ verdict: "INCONCLUSIVE" });
  });
});

describe("a baseline", () => {
  it("lets a release be as bad as what was before may truly have been, and by as much worse", () => {
    const bound = upperBound(100, 100_000, 0.995);
    expect(testOf("r: when error_rate > baseline(before 1d) + 50% -> page", { before })).toEqual({
      how: "share",
      target: close(1.5 * bound),
      isFlipped: false,
      alpha: 0.005,
    });
    expect(testOf("r: when error_rate > baseline(before 1d) + 1pp -> page", { before })).toMatchObject({
      target: close(bound + 0.01),
    });
    expect(testOf("r: when error_rate > baseline(before 1d) * 2 floor 1% -> page", { before })).toMatchObject(
      { target: 0.01 },
    );
  });

  it("is wider where its errors came in bursts, for rules about too few as well", () => {
    const bursts = { ...before, dispersion: 8 };
    expect(testOf("r: when error_rate > baseline(before 1d) * 2 -> page", { before: bursts })).toMatchObject({
      target: close(2 * upperBound(12.5, 12_500, 0.995)),
    });
    const hits = { form: "counts" as const, bad: 900, total: 1000 };
    const few = "r: when cache_hit < baseline(before 1d) * 0.9 -> page";
    expect(testOf(few, { before: hits })).toMatchObject({
      target: close(1 - 0.9 * lowerBound(900, 1000, 0.995)),
      isFlipped: true,
    });
    expect(testOf(few, { before: { ...hits, dispersion: 8 } })).toMatchObject({
      target: close(1 - 0.9 * lowerBound(112.5, 125, 0.995)),
    });
  });

  it("asks more of what has to be shown: that it is no worse than what was before at the least", () => {
    const rule = "r: expect error_rate < baseline(before 1d) + 50% -> hold";
    expect(testOf(rule, { before })).toEqual({
      how: "share",
      target: close(1.5 * lowerBound(100, 100_000, 0.995)),
      isFlipped: false,
    });
    expect(testOf(rule, { before: { form: "counts", bad: 0, total: 100 } })).toMatchObject({
      how: "undecidable",
    });
    expect(
      testOf("r: expect cache_hit > baseline(before 1d) * 0.9 -> hold", {
        before: { form: "counts", bad: 900, total: 1000 },
      }),
    ).toMatchObject({ target: close(1 - 0.9 * upperBound(900, 1000, 0.995)), isFlipped: true });
  });

  it("of values is raised as it says", () => {
    const world = { form: "values" as const, before: { form: "values" as const, value: 200 } };
    const limitOf = (change: string): unknown =>
      testOf(`r: when p95(latency) > baseline(before 1d)${change} -> page`, world);
    expect(limitOf(" + 50%")).toEqual({ how: "value", limit: 300, unit: "plain" });
    expect(limitOf(" * 3")).toMatchObject({ limit: 600 });
    expect(limitOf(" + 10pp")).toMatchObject({ limit: 210 });
    expect(limitOf("")).toMatchObject({ limit: 200 });
    expect(limitOf(" * 2 floor 900")).toMatchObject({ limit: 900 });
    expect(testOf("r: when p95(latency) > control * 2 -> page", world)).toEqual({
      how: "undecidable",
      reason: "control needs counts",
    });
  });
});

describe("a control", () => {
  it("is a rise of what is bad, also where the rule is about too few", () => {
    expect(testOf("r: when error_rate > control * 2 floor 0.5% -> hold", { exposure: 0.05 })).toEqual({
      how: "control",
      times: 2,
      plus: 0,
      floor: 0.005,
      isFlipped: false,
      alpha: 0.01,
      exposure: 0.05,
    });
    expect(testOf("r: when error_rate > control + 1pp -> hold")).toMatchObject({
      times: 1,
      plus: 0.01,
      alpha: 0.005,
    });
    // 90 % of the control's hits: misses of a tenth, and nine tenths of the control's.
    expect(testOf("r: when cache_hit < control * 0.9 -> hold")).toMatchObject({
      times: 0.9,
      plus: close(0.1),
      isFlipped: true,
      alpha: 0.005,
    });
    expect(testOf("r: when cache_hit < control * 1 -> hold")).toMatchObject({
      times: 1,
      plus: 0,
      isFlipped: true,
      alpha: 0.01,
    });
  });
});
