import { describe, expect, it } from "vitest";
import type { Block } from "../../../src/watch/statistics/block-evidence.ts";
import { burstMs, dispersionOf } from "../../../src/watch/statistics/dispersion.ts";
import { seededRandom } from "../../../src/watch/statistics/seeded-random.ts";

/** A day in blocks of 10 s. */
function dayOf(blockOf: (index: number) => Block): Block[] {
  return Array.from({ length: 8640 }, (_, index) => blockOf(index));
}

function independentDay(seed: number): Block[] {
  const random = seededRandom(seed);
  return dayOf(() => ({ bad: random.poisson(0.9), total: 100 }));
}

/** The error rate is another one every `seconds`. */
function burstyDay(seed: number, seconds: number): Block[] {
  const random = seededRandom(seed);
  let level = 1;
  return dayOf((index) => {
    if ((index * 10 + 20) % seconds === 0) level = random.gamma(0.3);
    return { bad: random.poisson(0.9 * level), total: 100 };
  });
}

describe("dispersionOf", () => {
  it("is about 1 for independent errors, and 2m − 1 for clusters of mean size m", () => {
    expect(dispersionOf(independentDay(1))).toBeCloseTo(1, 1);
    const random = seededRandom(2);
    const clusters = dayOf(() => {
      let bad = 0;
      for (let count = random.poisson(2); count > 0; count--) bad += random.geometric(4);
      return { bad, total: 10_000 };
    });
    expect(dispersionOf(clusters)).toBeGreaterThan(6);
    expect(dispersionOf(clusters)).toBeLessThan(8);
  });

  it("is 1 where there is too little to tell", () => {
    expect(dispersionOf([])).toBe(1);
    expect(dispersionOf(dayOf(() => ({ bad: 0, total: 5 })))).toBe(1);
    expect(dispersionOf(dayOf(() => ({ bad: 5, total: 5 })))).toBe(1);
    expect(dispersionOf([{ bad: 50, total: 100 }])).toBe(1);
  });
});

describe("burstMs", () => {
  it("is 0 for independent errors", () => {
    for (let seed = 1; seed <= 20; seed++) expect(burstMs(independentDay(seed), 10_000)).toBe(0);
  });

  it("is longer than the time for which the error rate stays another one", () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect(burstMs(burstyDay(seed, 60), 10_000)).toBeGreaterThanOrEqual(80_000);
      expect(burstMs(burstyDay(seed, 180), 10_000)).toBeGreaterThanOrEqual(160_000);
    }
  });

  it("is at most a quarter of an hour, and 0 of nothing", () => {
    expect(burstMs(burstyDay(1, 3600), 10_000)).toBeLessThanOrEqual(15 * 60_000);
    expect(burstMs([], 10_000)).toBe(0);
  });
});
