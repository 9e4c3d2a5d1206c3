import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBroken, measure, quantileOf, selectCounters, type Measurement } from "../../src/watch/measure.ts";
import type { Rule } from "../../src/watch/rule.ts";
import type { ReleaseCounters } from "../../src/model/ports.ts";
import { counters, ruleOf } from "./samples.ts";

function measured(rule: Rule, release: ReleaseCounters, spanMs = 1000): Measurement {
  const { totals, edges } = selectCounters(rule, release);
  return measure(rule, { spanMs, counts: totals, edges });
}

const edges = [100, 500, 1000, null];
const slow = ruleOf({ signal: "slowSharePercent", slowerThan: "500ms", above: 5 });

function histogram(counts: number[]): ReleaseCounters {
  const latency = counts.map((count, index) => ({ leMs: edges[index] ?? Infinity, count }));
  return { requests: counts.at(-1) ?? 0, errors: 0, latency };
}

describe("measure", () => {
  it("gives errors as a share of the requests, and no value when nothing was asked", () => {
    expect(measured(ruleOf(), counters(200, 5))).toEqual({ kind: "value", value: 2.5, requests: 200 });
    expect(measured(ruleOf(), counters(0, 0)).kind).toBe("none");
  });

  it("gives requests per second by the real length of the window", () => {
    const rule = ruleOf({ signal: "requestsPerSecond", below: 10 });
    expect(measured(rule, counters(50, 0), 2500).value).toBe(20);
    expect(measured(rule, counters(0, 0), 2500)).toEqual({ kind: "value", value: 0, requests: 0 });
  });

  it("gives the share of slow requests, exact at a bucket's bound and linear inside one", () => {
    expect(measured(slow, histogram([50, 90, 95, 100])).value).toBe(10);
    const inside = ruleOf({ signal: "slowSharePercent", slowerThan: "750ms", above: 5 });
    expect(measured(inside, histogram([50, 90, 100, 100])).value).toBe(5);
  });

  it("does not know the share of requests slower than a bound beyond the last bucket's", () => {
    const beyond = ruleOf({ signal: "slowSharePercent", slowerThan: "20s", above: 5 });
    expect(measured(beyond, histogram([50, 90, 95, 100])).kind).toBe("none");
    expect(measured(beyond, histogram([50, 90, 100, 100]))).toMatchObject({ kind: "value", value: 0 });
  });
});

describe("quantileOf", () => {
  it("is linear inside the bucket", () => {
    expect(quantileOf(0.5, edges, [0, 100, 100, 100])).toEqual({ kind: "value", value: 300 });
    expect(quantileOf(0.95, edges, [100, 100, 100, 100])).toEqual({ kind: "value", value: 95 });
  });

  it("knows only a lower bound in the last bucket", () => {
    expect(quantileOf(0.99, edges, [90, 95, 97, 100])).toEqual({ kind: "at-least", value: 1000 });
  });

  it("lies in the bucket that holds the exact quantile, for any sample", () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(latencies, fc.constantFrom(0.5, 0.95, 0.99), (values, quantile) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(quantile * sorted.length) - 1]!;
        const counts = edges.map((edge) => sorted.filter((value) => value <= (edge ?? Infinity)).length);
        const upper = edges.find((edge) => edge === null || exact <= edge)!;
        const lower = edges[edges.indexOf(upper) - 1] ?? 0;
        const { value } = quantileOf(quantile, edges, counts);
        expect(value).toBeGreaterThanOrEqual(lower!);
        expect(value).toBeLessThanOrEqual(upper);
      }),
    );
  });
});

describe("isBroken", () => {
  const above = ruleOf({ signal: "p95Ms", above: 500 });
  const below = ruleOf({ signal: "p95Ms", below: 500 });

  it("is strict at the limit", () => {
    expect(isBroken(above, { kind: "value", value: 500, requests: 1 })).toBe(false);
    expect(isBroken(above, { kind: "value", value: 500.1, requests: 1 })).toBe(true);
    expect(isBroken(below, { kind: "value", value: 500, requests: 1 })).toBe(false);
  });

  it("decides by a lower bound only as far as that goes", () => {
    expect(isBroken(above, { kind: "at-least", value: 1000, requests: 1 })).toBe(true);
    expect(isBroken(above, { kind: "at-least", value: 400, requests: 1 })).toBeUndefined();
    expect(isBroken(below, { kind: "at-least", value: 1000, requests: 1 })).toBe(false);
    expect(isBroken(below, { kind: "at-least", value: 400, requests: 1 })).toBeUndefined();
  });

  it("is undecided without a value", () => {
    expect(isBroken(above, { kind: "none", value: 0, requests: 0 })).toBeUndefined();
  });
});
