import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logMixtureEvidence } from "../../../src/watch/statistics/mixture-evidence.ts";

/** bad, total, target, log e; computed with 50 digits (mpmath 1.3). */
const REFERENCE: [number, number, number, number][] = [
  [0, 1, 0.01, -0.2572690420793949],
  [1, 1, 0.01, 3.1551750479630147],
  [5, 10, 0.01, 14.75306906532083],
  [12, 240, 0.01, 7.878918093889146],
  [0, 300, 0.01, -3.6772101634568517],
  [0, 100_000, 0.01, -9.356706622911215],
  [0, 10_000_000, 0.01, -13.961367584914077],
  [900, 100_000, 0.01, -7.131872194930797],
  [1000, 100_000, 0.01, -5.667793490990934],
  [1200, 100_000, 0.01, 14.00659691553384],
  [60_000, 100_000, 0.01, 209_404.72018780286],
  [3, 40, 0.05, -1.0012073651235975],
  [100, 100, 0.5, 61.9499805365472],
  [1, 1_000_000, 0.001, -10.602238408740902],
  [9000, 1_000_000, 0.01, -9.365401237093998],
];

const counts = fc
  .tuple(fc.integer({ min: 1, max: 5_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([total, share]) => ({ total, bad: Math.floor(total * share) }));
const target = fc.double({ min: 1e-4, max: 0.9, noNaN: true });

describe("logMixtureEvidence", () => {
  it.each(REFERENCE)("of %d of %d against %d is that of a table", (bad, total, against, expected) => {
    const actual = logMixtureEvidence(bad, total, against);
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
  });

  it("is 0 of nothing, and never NaN for counts that can be", () => {
    expect(logMixtureEvidence(0, 0, 0.01)).toBe(0);
    fc.assert(
      fc.property(counts, target, ({ bad, total }, against) => {
        expect(logMixtureEvidence(bad, total, against)).not.toBeNaN();
      }),
    );
  });

  it("is no evidence where nothing is left of the likelihood above the target", () => {
    for (const total of [1e3, 1e5, 1e7, 1e9, 1e12]) {
      expect(logMixtureEvidence(0, total, 0.01)).toBeLessThan(0);
      expect(logMixtureEvidence(total * 0.005, total, 0.01)).toBeLessThan(0);
      expect(logMixtureEvidence(0, total, 0.9)).toBeLessThan(0);
    }
  });

  it("never speaks against a share that is not above the target", () => {
    fc.assert(
      fc.property(counts, target, ({ bad, total }, against) => {
        fc.pre(bad / total <= against);
        expect(logMixtureEvidence(bad, total, against)).toBeLessThanOrEqual(1e-6);
      }),
    );
  });

  it("rises with every bad request", () => {
    fc.assert(
      fc.property(counts, target, ({ bad, total }, against) => {
        fc.pre(bad < total);
        const more = logMixtureEvidence(bad + 1, total, against);
        expect(more).toBeGreaterThanOrEqual(logMixtureEvidence(bad, total, against) - 1e-6 * total);
      }),
    );
  });

  it("has a mean of at most 1 while the claim is true", () => {
    const mean = (total: number, share: number): number => {
      let sum = 0;
      for (let bad = 0; bad <= total; bad++) {
        const odds = choose(total, bad) * share ** bad * (1 - share) ** (total - bad);
        sum += odds * Math.exp(logMixtureEvidence(bad, total, 0.05));
      }
      return sum;
    };
    for (const total of [1, 5, 40]) {
      expect(mean(total, 0.05)).toBeCloseTo(1, 9);
      expect(mean(total, 0.02)).toBeLessThan(1);
    }
  });

  it("is NaN for counts and targets that cannot be", () => {
    expect(logMixtureEvidence(2, 1, 0.01)).toBeNaN();
    expect(logMixtureEvidence(-1, 1, 0.01)).toBeNaN();
    expect(logMixtureEvidence(NaN, 1, 0.01)).toBeNaN();
    expect(logMixtureEvidence(0, 1, 0)).toBeNaN();
    expect(logMixtureEvidence(0, 1, 1)).toBeNaN();
  });
});

function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}
