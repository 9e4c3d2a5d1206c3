import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  proofOfGood,
  requestsToProve,
  requestsToProveAt,
} from "../../../src/watch/statistics/proof-of-good.ts";
import { lowerBound, upperBound } from "../../../src/watch/statistics/share-bounds.ts";

/** bad, total, confidence, upper, lower; computed with scipy 1.17. */
const REFERENCE: [number, number, number, number, number][] = [
  [0, 300, 0.95, 0.009936081944457708, 0],
  [0, 3000, 0.95, 0.0009980790119965865, 0],
  [3, 40, 0.95, 0.18258685001590122, 0.020753601475701215],
  [1, 8640, 0.995, 0.0008596487568681117, 5.801551353609034e-7],
  [144, 144_000, 0.995, 0.001235215003296174, 0.0007984740126383611],
  [60, 60, 0.95, 1, 0.9512970866899025],
  [0, 1, 0.995, 0.995, 0],
  [17, 1720, 0.995, 0.0178297630524368, 0.004807731327058767],
  [5, 5_000_000, 0.995, 2.829949292814006e-6, 2.1558571112616513e-7],
];

describe("the bounds of Clopper and Pearson", () => {
  it.each(REFERENCE)("of %d of %d at %d are those of a table", (bad, total, confidence, upper, lower) => {
    expect(Math.abs(upperBound(bad, total, confidence) / upper - 1)).toBeLessThan(1e-8);
    if (lower === 0) expect(lowerBound(bad, total, confidence)).toBe(0);
    else expect(Math.abs(lowerBound(bad, total, confidence) / lower - 1)).toBeLessThan(1e-8);
  });

  it("enclose the share that was seen, and know nothing of nothing", () => {
    expect([lowerBound(0, 0, 0.95), upperBound(0, 0, 0.95)]).toEqual([0, 1]);
    const counts = fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(counts, ([total, share]) => {
        const bad = Math.floor(total * share);
        expect(lowerBound(bad, total, 0.95)).toBeLessThanOrEqual(bad / total);
        expect(upperBound(bad, total, 0.95)).toBeGreaterThanOrEqual(bad / total);
      }),
    );
  });

  it("are NaN for counts that cannot be", () => {
    expect(upperBound(2, 1, 0.95)).toBeNaN();
    expect(lowerBound(-1, 1, 0.95)).toBeNaN();
    expect(upperBound(0, 1, 1)).toBeNaN();
  });
});

describe("proof of good", () => {
  it("takes three requests for each part of the target when none is bad", () => {
    expect(requestsToProve(0.01)).toBe(299);
    expect(requestsToProve(0.001)).toBe(2995);
    expect(requestsToProve(0.05)).toBe(59);
    expect(requestsToProve(0)).toBe(Infinity);
  });

  it("takes more with every bad one, by a table of scipy", () => {
    expect([1, 2, 10].map((bad) => requestsToProve(0.01, bad))).toEqual([473, 628, 1693]);
  });

  it("proves with exactly that many, and not with one less", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.5, noNaN: true }),
        fc.integer({ min: 0, max: 50 }),
        (target, bad) => {
          const needed = requestsToProve(target, bad);
          expect(proofOfGood(bad, needed, target).isProven).toBe(true);
          const short = proofOfGood(bad, needed - 1, target);
          expect(short).toMatchObject({ isProven: false, missingRequests: 1 });
        },
      ),
    );
  });

  it("is not given by an absence of requests", () => {
    expect(proofOfGood(0, 0, 0.01)).toEqual({ isProven: false, upperBound: 1, missingRequests: 299 });
    expect(proofOfGood(0, 41, 0.01)).toMatchObject({ isProven: false, missingRequests: 258 });
  });

  it("says what a service with errors needs, and that one at its target never proves it", () => {
    expect(requestsToProveAt(0.01, 0)).toBe(299);
    expect(requestsToProveAt(0.01, 0.001)).toBe(473);
    expect(requestsToProveAt(0.01, 0.009)).toBeGreaterThan(20_000);
    expect(requestsToProveAt(0.01, 0.01)).toBe(Infinity);
  });
});
