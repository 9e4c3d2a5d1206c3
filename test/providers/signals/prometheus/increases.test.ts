import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Series } from "../../../../src/providers/signals/prometheus/api.ts";
import {
  increasesOf,
  LOOKBACK_MS,
  resetsOf,
  sampledSteps,
  stepAt,
  sumsOf,
} from "../../../../src/providers/signals/prometheus/increases.ts";

const never = (): boolean => false;
const always = (): boolean => true;

function series(...samples: [atMs: number, value: number][]): Series {
  return { labels: {}, samples: samples.map(([atMs, value]) => ({ atMs, value })) };
}

describe("what a counter grew by", () => {
  it("counts at the time of the later sample, also from one before the range", () => {
    const counter = series([90, 10], [105, 13], [120, 13], [135, 20]);
    expect(increasesOf(counter, 100, never)).toEqual([
      { atMs: 105, by: 3 },
      { atMs: 120, by: 0 },
      { atMs: 135, by: 7 },
    ]);
  });

  it("is the whole value after the counter began anew", () => {
    expect(increasesOf(series([90, 10], [105, 4]), 100, never)).toEqual([{ atMs: 105, by: 4 }]);
    expect(increasesOf(series([90, 10], [105, 12]), 100, never, new Set([105]))).toEqual([
      { atMs: 105, by: 12 },
    ]);
  });

  it("is the first value only of a series that is sure to be new", () => {
    expect(increasesOf(series([105, 1000], [120, 1001]), 100, never)).toEqual([{ atMs: 120, by: 1 }]);
    expect(increasesOf(series([105, 7], [120, 8]), 100, always)).toEqual([
      { atMs: 105, by: 7 },
      { atMs: 120, by: 1 },
    ]);
  });

  it("is not known across a gap that is longer than the lookback", () => {
    const [near, far] = [LOOKBACK_MS, LOOKBACK_MS + 1];
    expect(increasesOf(series([1, 10], [1 + near, 50]), 0, never)).toEqual([{ atMs: 1 + near, by: 40 }]);
    expect(increasesOf(series([1, 10], [1 + far, 50]), 0, never)).toEqual([]);
  });

  it("adds up to what was counted, however it was scraped and restarted, and in any steps", () => {
    const events = fc.array(
      fc.record({ afterMs: fc.integer({ min: 1, max: 20_000 }), count: fc.nat(50), restart: fc.boolean() }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(events, fc.constantFrom(1000, 15_000, 60_000), (scrapes, stepMs) => {
        let atMs = 0;
        let value = 0;
        let counted = 0;
        const samples: [number, number][] = [[0, 0]];
        for (const { afterMs, count, restart } of scrapes) {
          // A restart is seen when less is counted after it than before.
          if (restart && count < value) value = 0;
          atMs += afterMs;
          value += count;
          counted += count;
          samples.push([atMs, value]);
        }
        const toMs = Math.ceil(atMs / stepMs) * stepMs;
        const increases = increasesOf(series(...samples), 0, never);
        const sums = sumsOf(increases, { fromMs: 0, toMs, stepMs });
        expect([...sums.values()].reduce((sum, by) => sum + by, 0)).toBe(counted);
      }),
    );
  });
});

describe("steps", () => {
  const steps = { fromMs: 100, toMs: 160, stepMs: 20 };

  it("hold their end and not their beginning", () => {
    expect([101, 120, 121, 160].map((atMs) => stepAt(steps, atMs))).toEqual([0, 0, 1, 2]);
  });

  it("are known where anything was sampled", () => {
    expect(sampledSteps([series([100, 1], [110, 1]), series([160, 1], [161, 1])], steps, 20)).toEqual(
      new Set([0, 2]),
    );
  });

  it("are not known yet where the samples stop long before their end, and those of before are", () => {
    const long = { fromMs: 0, toMs: 1800, stepMs: 900 };
    const every15 = (toMs: number): Series =>
      series(...Array.from({ length: toMs / 15 }, (_, index): [number, number] => [15 * (index + 1), index]));
    expect(sampledSteps([every15(1770)], long, 15)).toEqual(new Set([0, 1]));
    expect(sampledSteps([every15(1755)], long, 15)).toEqual(new Set([0]));
  });
});

it("knows that the buckets of a histogram began anew from the one that shows it", () => {
  expect(resetsOf([series([1, 2], [2, 5]), series([1, 100], [2, 6])])).toEqual(new Set([2]));
});
