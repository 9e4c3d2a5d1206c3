import { describe, expect, it } from "vitest";
import { logBeta, logGamma } from "../../../src/watch/statistics/log-gamma.ts";

/** Computed with 50 digits (mpmath 1.3). */
const REFERENCE: [number, number][] = [
  [1e-6, 13.815509980749432],
  [0.1, 2.252712651734206],
  [0.5, 0.5723649429247001],
  [1, 0],
  [1.5, -0.12078223763524522],
  [2, 0],
  [3.7, 1.4280723266653879],
  [14.9, 24.924132002217277],
  [15, 25.19122118273868],
  [100.5, 361.4355404677776],
  [12_345.5, 103_958.24296512322],
  [1e7, 151_180_949.3694739],
];

describe("logGamma", () => {
  it.each(REFERENCE)("of %d is right to 13 digits", (x, expected) => {
    expect(Math.abs(logGamma(x) - expected)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(expected)));
  });

  it("is not a number where there is none, and infinite at infinity", () => {
    expect(logGamma(0)).toBeNaN();
    expect(logGamma(-1.5)).toBeNaN();
    expect(logGamma(NaN)).toBeNaN();
    expect(logGamma(Infinity)).toBe(Infinity);
  });
});

describe("logBeta", () => {
  it("is the logarithm of B(a, b)", () => {
    expect(logBeta(0.5, 2)).toBeCloseTo(Math.log(4 / 3), 13);
    expect(logBeta(3, 4)).toBeCloseTo(Math.log(1 / 60), 13);
  });
});
