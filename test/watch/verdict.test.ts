import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialState } from "../../src/watch/fold.ts";
import { finalVerdict, openBreaches } from "../../src/watch/verdict.ts";
import { blind, counted, definitionOf, foldAll, probeOf, ruleOf, START, steady } from "./samples.ts";

const definition = definitionOf();

describe("finalVerdict", () => {
  it("passes when the rule was seen all the time with enough requests and stayed within its limit", () => {
    expect(finalVerdict(definition, foldAll(definition, steady(10, 100, 0)))).toEqual({
      verdict: "pass",
      reason: "errors: errors of the new release at the end 0 % (200 requests), never above 1 % for 2s",
    });
  });

  it("fails with the numbers when a rule is broken, also before the end", () => {
    expect(finalVerdict(definition, foldAll(definition, steady(4, 100, 3)))).toEqual({
      verdict: "fail",
      reason: "errors: errors of the new release 3 % (6 of 200 requests), above 1 % for 2.0 s",
    });
  });

  it("is unknown before the window is over, however good it looks", () => {
    expect(finalVerdict(definition, foldAll(definition, steady(9, 100, 0))).verdict).toBe("unknown");
    expect(finalVerdict(definition, initialState(definition, START)).verdict).toBe("unknown");
  });

  it("is unknown without data, and says for how long", () => {
    const dark = Array.from({ length: 11 }, (_, second) => blind(second * 1000));
    expect(finalVerdict(definition, foldAll(definition, dark))).toEqual({
      verdict: "unknown",
      reason: "errors: nothing was seen for 10 s of 10 s (gone)",
    });
  });

  it("is unknown with too few requests", () => {
    expect(finalVerdict(definition, foldAll(definition, steady(10, 10, 0)))).toEqual({
      verdict: "unknown",
      reason: "errors: could be judged for 0 ms of 10 s only, for want of 100 requests in its window",
    });
  });

  it("is unknown when there were enough requests only at the very end", () => {
    const quiet = Array.from({ length: 8 }, (_, second) => counted(second * 1000, second * 10, 0));
    const busy = [8, 9, 10].map((second) => counted(second * 1000, (second - 7) * 300, 0));
    expect(finalVerdict(definition, foldAll(definition, [...quiet, ...busy]))).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("could be judged for 3.0 s of 10 s only") as string,
    });
  });

  it("is unknown when the requests stopped before the end", () => {
    const ticks = [...steady(6, 100, 0), ...[7, 8, 9, 10].map((second) => counted(second * 1000, 600, 0))];
    expect(finalVerdict(definition, foldAll(definition, ticks)).verdict).toBe("unknown");
  });

  it("is unknown when the value is over the limit at the end but not long enough to be broken", () => {
    const ticks = [...steady(9, 100, 0), counted(10_000, 1000, 50)];
    expect(finalVerdict(definition, foldAll(definition, ticks))).toMatchObject({
      verdict: "unknown",
      reason: expect.stringContaining("but not for 2s yet") as string,
    });
  });

  it("is unknown when a gap hid too much of the window", () => {
    const ticks = [...steady(2, 100, 0), ...steady(2, 100, 0, 8)];
    expect(finalVerdict(definition, foldAll(definition, ticks)).verdict).toBe("unknown");
  });

  it("is unknown when one rule is proven good and another is not", () => {
    const two = definitionOf({ rules: [ruleOf(), ruleOf({ id: "other", source: "prometheus" })] });
    const verdict = finalVerdict(two, foldAll(two, steady(10, 100, 0)));
    expect(verdict.verdict).toBe("unknown");
    expect(verdict.reason).toContain('there is no signal source "prometheus"');
  });

  it("is unknown when there is nothing to judge by", () => {
    const empty = definitionOf({ rules: [] });
    expect(finalVerdict(empty, foldAll(empty, steady(10, 100, 0))).verdict).toBe("unknown");
  });

  it("needs a probe's good answers, to the last", () => {
    const probed = definitionOf({ rules: [], probes: [probeOf()] });
    const ticks = (last: boolean) =>
      steady(10, 1, 0).map(([atMs], index): ReturnType<typeof counted> => {
        const isGood = index < 10 || last;
        return [
          atMs,
          {
            readings: {},
            probes: {
              health: isGood ? { outcome: "ok", latencyMs: 3 } : { outcome: "failed", reason: "500" },
            },
          },
        ];
      });
    expect(finalVerdict(probed, foldAll(probed, ticks(true)))).toEqual({
      verdict: "pass",
      reason: "health: 11 of 11 answers good",
    });
    expect(finalVerdict(probed, foldAll(probed, ticks(false))).verdict).toBe("unknown");
    expect(finalVerdict(probed, foldAll(probed, steady(10, 1, 0))).verdict).toBe("unknown");
  });

  it("does not take what was seen after the window for evidence about the window", () => {
    const ticks = [
      ...Array.from({ length: 8 }, (_, second) => blind(second * 1000)),
      ...steady(12, 100, 0, 8),
    ];
    expect(finalVerdict(definition, foldAll(definition, ticks)).verdict).toBe("unknown");
  });

  it("never passes without evidence", () => {
    const step = fc.tuple(fc.integer({ min: 100, max: 6000 }), fc.option(fc.nat(300), { freq: 4 }));
    let passed = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let [atMs, requests, seenMs, lastSeen] = [0, 0, 0, Infinity];
        const ticks = steps.map(([ms, gain]) => {
          atMs += ms;
          if (gain === null) return blind(atMs);
          requests += gain;
          seenMs += Math.max(0, Math.min(atMs, 10_000) - lastSeen);
          lastSeen = atMs;
          return counted(atMs, requests, 0);
        });
        if (finalVerdict(definition, foldAll(definition, ticks)).verdict !== "pass") return;
        passed++;
        expect(atMs).toBeGreaterThanOrEqual(10_000);
        expect(requests).toBeGreaterThanOrEqual(100);
        expect(seenMs).toBeGreaterThanOrEqual(8000);
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(passed).toBeGreaterThan(0);
  });
});

describe("openBreaches", () => {
  it("names those that roll back before those that hold", () => {
    const two = definitionOf({ rules: [ruleOf({ id: "soft", onBreach: "hold" }), ruleOf()] });
    expect(openBreaches(two, foldAll(two, steady(6, 100, 50))).map((breach) => breach.id)).toEqual([
      "errors",
      "soft",
    ]);
  });
});
