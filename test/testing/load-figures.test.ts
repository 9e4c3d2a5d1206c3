import { describe, expect, it } from "vitest";
import { LoadTally } from "../../src/testing/load-figures.ts";

describe("LoadTally", () => {
  it("finds percentiles within the width of a bucket", () => {
    const tally = new LoadTally();
    for (let durationMs = 1; durationMs <= 1000; durationMs++)
      tally.add({ kind: "answered", status: 200, durationMs }, 0);
    const { latency } = tally.figures();
    expectWithin(latency.p50Ms, 500);
    expectWithin(latency.p95Ms, 950);
    expectWithin(latency.p99Ms, 990);
    expect(latency.maxMs).toBe(1000);
    expect(latency.histogram.reduce((sum, row) => sum + row.count, 0)).toBe(1000);
  });

  it("keeps the tail apart from the bulk", () => {
    const tally = new LoadTally();
    for (let i = 0; i < 96; i++) tally.add({ kind: "answered", status: 200, durationMs: 2 }, 0);
    for (let i = 0; i < 4; i++) tally.add({ kind: "answered", status: 200, durationMs: 2000 }, 0);
    const { latency } = tally.figures();
    expectWithin(latency.p95Ms, 2);
    expectWithin(latency.p99Ms, 2000);
  });

  it("takes durations outside its buckets", () => {
    const tally = new LoadTally();
    tally.add({ kind: "answered", status: 200, durationMs: 0 }, 0);
    tally.add({ kind: "answered", status: 200, durationMs: 10_000_000 }, 0);
    expect(tally.figures().latency).toMatchObject({ maxMs: 10_000_000, p99Ms: expect.any(Number) });
    expect(tally.figures().requests).toBe(2);
  });
});

function expectWithin(actual: number | null, expected: number): void {
  expect(actual).toBeGreaterThanOrEqual(expected * 0.9);
  expect(actual).toBeLessThanOrEqual(expected * 1.1);
}
