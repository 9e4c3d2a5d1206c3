import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addBlock,
  addBlockInPlace,
  evidenceValue,
  noEvidence,
  type Block,
  type BlockEvidence,
} from "../../../src/watch/statistics/block-evidence.ts";
import { ROLLBACK_ALPHA, threshold } from "../../../src/watch/statistics/spending.ts";

const block = fc
  .tuple(fc.integer({ min: 0, max: 1_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([total, share]): Block => ({ total, bad: Math.floor(total * share) }));
const target = fc.double({ min: 1e-5, max: 0.99, noNaN: true });

function after(blocks: readonly Block[], against: number): BlockEvidence {
  return blocks.reduce((evidence, each) => addBlock(evidence, each, against, 1 / blocks.length), noEvidence);
}

describe("the evidence of blocks", () => {
  it("is never NaN, negative or infinite, and survives JSON", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 2000 }), target, (blocks, against) => {
        const evidence = after(blocks, against);
        expect(evidence.every((each) => each >= 0 && Number.isFinite(each))).toBe(true);
        expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence);
      }),
      { numRuns: 50 },
    );
    const outage = Array.from({ length: 2000 }, () => ({ bad: 1e6, total: 1e6 }));
    expect(evidenceValue(after(outage, 0.01))).toBeLessThan(Infinity);
  });

  it("rises with every bad request", () => {
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        target,
        (blocks, at, against) => {
          const worse = blocks.map((each, index) =>
            index === at % blocks.length ? { ...each, bad: Math.min(each.total, each.bad + 1) } : each,
          );
          const before = evidenceValue(after(blocks, against));
          expect(evidenceValue(after(worse, against))).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });

  it("never reaches 1 while no block is above the target, however many there are", () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 200 }), target, (blocks, against) => {
        const good = blocks.map(({ bad, total }) => ({
          total,
          bad: Math.min(bad, Math.floor(total * against)),
        }));
        expect(evidenceValue(after(good, against))).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("has a mean of at most 1 also where all requests of a block fail together", () => {
    for (const [total, against] of [
      [1, 0.01],
      [20, 0.01],
      [500, 0.05],
    ] as const) {
      const bad = evidenceValue(addBlock(noEvidence, { bad: total, total }, against, 1));
      const good = evidenceValue(addBlock(noEvidence, { bad: 0, total }, against, 1));
      expect(against * bad + (1 - against) * good).toBeLessThanOrEqual(1 + 1e-12);
    }
  });

  it("rises tenfold with a block at the most, so that a burst on the border of two cannot decide alone", () => {
    const burst = { bad: 6000, total: 6000 };
    const rollback = threshold(ROLLBACK_ALPHA, 1);
    const afterTwo = addBlock(addBlock(noEvidence, burst, 0.01, 0.25), burst, 0.01, 0.25);
    expect(evidenceValue(addBlock(noEvidence, burst, 0.01, 1))).toBeCloseTo(10, 9);
    expect(evidenceValue(afterTwo)).toBeLessThan(rollback);
    expect(evidenceValue(addBlock(afterTwo, burst, 0.01, 0))).toBeGreaterThan(rollback);
  });

  it("does not change with a block in which nothing was asked", () => {
    const evidence = addBlock(noEvidence, { bad: 3, total: 40 }, 0.01, 0.25);
    expect(addBlock(evidence, { bad: 0, total: 0 }, 0.01, 0)).toEqual(evidence);
  });

  it("leaves its argument alone, unless it is asked to work in place", () => {
    const frozen = Object.freeze([...noEvidence]);
    const added = addBlock(frozen, { bad: 1, total: 2 }, 0.01, 1);
    const inPlace = Float64Array.from(noEvidence);
    addBlockInPlace(inPlace, 1, 2, 0.01, 1);
    expect([...inPlace]).toEqual(added);
  });
});
