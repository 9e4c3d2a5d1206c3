import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/watch/statistics/seeded-random.ts";

function moments(draw: () => number, count = 40_000): { mean: number; variance: number } {
  const values = Array.from({ length: count }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
}

describe("seededRandom", () => {
  it("gives the same numbers for the same seed, and others for another", () => {
    const first = seededRandom(1);
    const again = seededRandom(1);
    const other = seededRandom(2);
    const numbers = Array.from({ length: 100 }, () => first.uniform());
    expect(Array.from({ length: 100 }, () => again.uniform())).toEqual(numbers);
    expect(Array.from({ length: 100 }, () => other.uniform())).not.toEqual(numbers);
    expect(numbers.every((each) => each >= 0 && each < 1)).toBe(true);
  });

  it.each([0.05, 1, 9.9, 10, 54, 6000])("draws Poisson numbers of mean and variance %d", (mean) => {
    const random = seededRandom(5);
    const found = moments(() => random.poisson(mean));
    expect(Math.abs(found.mean / mean - 1)).toBeLessThan(0.06);
    expect(Math.abs(found.variance / mean - 1)).toBeLessThan(0.06);
    expect(random.poisson(0)).toBe(0);
  });

  it("draws clusters of a mean size", () => {
    const random = seededRandom(6);
    const found = moments(() => random.geometric(4));
    expect(found.mean).toBeCloseTo(4, 0);
    expect(Math.abs(found.variance / 12 - 1)).toBeLessThan(0.06);
    expect(random.geometric(1)).toBe(1);
  });

  it.each([0.3, 4])("draws gamma numbers of mean 1 and variance 1/%d", (shape) => {
    const random = seededRandom(7);
    const found = moments(() => random.gamma(shape));
    expect(Math.abs(found.mean - 1)).toBeLessThan(0.04);
    expect(Math.abs(found.variance * shape - 1)).toBeLessThan(0.08);
  });
});
