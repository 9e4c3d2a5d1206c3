import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  epochAt,
  epochsOf,
  plannedBlocks,
  startWeight,
  threshold,
} from "../../../src/watch/statistics/spending.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * 60 * MINUTE;

describe("the spending of a watch's risk", () => {
  it("gives a quarter to each of four stages and splits it evenly inside", () => {
    const epochs = epochsOf(DAY);
    const shareOf = (fromMinute: number, toMinute: number): number =>
      epochs
        .filter(({ fromMs, toMs }) => fromMs >= fromMinute * MINUTE && toMs <= toMinute * MINUTE)
        .reduce((sum, { share }) => sum + share, 0);
    expect(epochs).toHaveLength(1 + 1 + 3 + 44);
    expect(shareOf(0, 5)).toBeCloseTo(0.25, 12);
    expect(shareOf(5, 30)).toBeCloseTo(0.25, 12);
    expect(shareOf(30, 120)).toBeCloseTo(0.25, 12);
    expect(shareOf(120, 24 * 60)).toBeCloseTo(0.25, 12);
    expect(epochs.at(-1)).toMatchObject({ toMs: DAY, share: 0.25 / 44 });
  });

  it("leaves no time between epochs, for any length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 * DAY }), (durationMs) => {
        const epochs = epochsOf(durationMs);
        for (const [index, { fromMs }] of epochs.entries())
          expect(fromMs).toBe(index === 0 ? 0 : epochs[index - 1]!.toMs);
        expect(epochs.at(-1)!.toMs).toBeGreaterThanOrEqual(durationMs);
        expect(epochAt(epochs, durationMs - 1)).toBeDefined();
      }),
    );
  });

  it("stakes at most 1 in a whole watch, however long its blocks are", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 3 * DAY }),
        fc.integer({ min: 0, max: 20 * MINUTE }),
        (durationMs, minBlockMs) => {
          const blocks = plannedBlocks(durationMs, minBlockMs);
          const sum = blocks.reduce((total, block) => total + block.startWeight, 0);
          expect(sum).toBeLessThanOrEqual(1 + 1e-9);
          expect(blocks.reduce((total, { lengthMs }) => total + lengthMs, 0)).toBe(durationMs);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("looks every 10 s, then 30 s, then each minute", () => {
    const blocks = plannedBlocks(40 * MINUTE);
    expect(blocks.filter(({ lengthMs }) => lengthMs === 10_000)).toHaveLength(30);
    expect(blocks.filter(({ lengthMs }) => lengthMs === 30_000)).toHaveLength(50);
    expect(blocks.filter(({ lengthMs }) => lengthMs === MINUTE)).toHaveLength(10);
    expect(plannedBlocks(40 * MINUTE, 2 * MINUTE)).toHaveLength(20);
  });

  it("makes blocks shorter where bursts are, to a second at the least", () => {
    const blocksOf = (minBlockMs: number): number[] =>
      epochsOf(HOUR, minBlockMs).map(({ blockMs }) => blockMs);
    expect(blocksOf(2000)).toEqual([2000, 6000, 12_000]);
    expect(blocksOf(1)).toEqual([1000, 3000, 6000]);
    expect(blocksOf(20_000)).toEqual([20_000, 30_000, MINUTE]);
  });

  it("ends every block with a look, when it is told how often there is one", () => {
    const cadences = [
      { untilMs: 5 * MINUTE, everyMs: 15_000 },
      { untilMs: 31 * MINUTE, everyMs: 4 * MINUTE },
    ];
    const blocks = plannedBlocks(HOUR, 0, cadences);
    expect(blocks.slice(0, 20).map(({ lengthMs }) => lengthMs)).toEqual(Array(20).fill(15_000));
    // The last stage goes on, and what is left of an hour is cut.
    expect(blocks.slice(20).map(({ lengthMs }) => lengthMs / MINUTE)).toEqual([
      4, 4, 4, 4, 4, 4, 2, 4, 4, 4, 4, 4, 4, 4, 1,
    ]);
    expect(blocks.reduce((sum, { startWeight: weight }) => sum + weight, 0)).toBeLessThan(1);
  });

  it("stakes half of an epoch's share on its beginning, and nothing outside the watch", () => {
    const epochs = epochsOf(DAY);
    expect(startWeight(epochs, 0)).toBeCloseTo(0.125 + 0.125 / 30, 12);
    expect(startWeight(epochs, 10_000)).toBeCloseTo(0.125 / 30, 12);
    expect(startWeight(epochs, -1)).toBe(0);
    expect(startWeight(epochs, DAY)).toBe(0);
  });

  it("divides the risk among the gating rules", () => {
    expect([threshold(0.01, 1), threshold(0.01, 4), threshold(0.1, 0)]).toEqual([100, 400, 10]);
  });
});
