import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { betaQuantile, logBetaAbove, logBetaBelow } from "../../../src/watch/statistics/incomplete-beta.ts";

/** x, a, b, log of the mass below, log of the mass above; computed with 50 digits (mpmath 1.3). */
const REFERENCE: [number, number, number, number, number][] = [
  [0.01, 0.5, 2, -1.900458886151396, -0.1619308671462206],
  [0.3, 2, 5, -0.5450289451074889, -0.8670839878195068],
  [0.9, 2, 5, -5.500151255546062e-5, -9.808177372731803],
  [0.01, 12.5, 230, -12.658033107475147, -3.1819017143872195e-6],
  [0.01, 3.5, 100_000, 0, -988.9626514199322],
  [0.05, 5000.5, 95_002, -0.6940158662127698, -0.6922792488669776],
  [0.01, 0.5, 1_000_002, 0, -10_055.533539920787],
  [0.5, 1, 1, -Math.LN2, -Math.LN2],
  [0.999, 40, 0.5, -0.25113175800596615, -1.5047170056430186],
  [0.001, 100.5, 900, -372.16459374291236, -2.3494736447779717e-162],
];

const shape = fc.double({ min: 0.5, max: 1e5, noNaN: true });
const share = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1e-3, Math.abs(expected)));
}

describe("the incomplete beta function", () => {
  it.each(REFERENCE)("at x=%d, a=%d, b=%d has the logarithms of a table", (x, a, b, below, above) => {
    expectClose(logBetaBelow(x, a, b), below);
    expectClose(logBetaAbove(x, a, b), above);
  });

  it("leaves nothing over: the masses below and above add up to 1", () => {
    fc.assert(
      fc.property(share, shape, shape, (x, a, b) => {
        const sum = Math.exp(logBetaBelow(x, a, b)) + Math.exp(logBetaAbove(x, a, b));
        expect(Math.abs(sum - 1)).toBeLessThan(1e-8);
      }),
    );
  });

  it("rises with x and is never NaN", () => {
    fc.assert(
      fc.property(share, share, shape, shape, (x, y, a, b) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        expect(logBetaBelow(low, a, b)).toBeLessThanOrEqual(logBetaBelow(high, a, b) + 1e-8);
        expect(logBetaAbove(low, a, b)).not.toBeNaN();
      }),
    );
  });

  it("is 0 or 1 at the ends and NaN outside", () => {
    expect([logBetaBelow(0, 2, 3), logBetaBelow(1, 2, 3)]).toEqual([-Infinity, 0]);
    expect([logBetaAbove(0, 2, 3), logBetaAbove(1, 2, 3)]).toEqual([0, -Infinity]);
    expect([logBetaBelow(2, 1, 1), logBetaBelow(0.5, 0, 1), logBetaAbove(NaN, 1, 1)]).toEqual([
      NaN,
      NaN,
      NaN,
    ]);
  });
});

describe("betaQuantile", () => {
  it("is the inverse", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), shape, shape, (mass, a, b) => {
        const x = betaQuantile(mass, a, b);
        expect(Math.abs(Math.exp(logBetaBelow(x, a, b)) - mass)).toBeLessThan(1e-7);
      }),
    );
  });
});
