import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { append, deltaOver, emptySeries, MAX_SAMPLES, type Series } from "../../src/watch/window.ts";

function seriesOf(readings: readonly [number, number[]][], windowMs: number): Series {
  return readings.reduce(
    (series, [atMs, totals]) => append(series, atMs, { totals, edges: [] }, windowMs),
    emptySeries,
  );
}

describe("append", () => {
  it("counts nothing that was there before the first reading", () => {
    expect(deltaOver(seriesOf([[0, [500]]], 1000), 1000)).toBeUndefined();
    expect(
      deltaOver(
        seriesOf(
          [
            [0, [500]],
            [1000, [510]],
          ],
          1000,
        ),
        1000,
      ),
    ).toMatchObject({ counts: [10], spanMs: 1000 });
  });

  it("concludes nothing from the reading after a restart of the source, and counts on from it", () => {
    const restarted = seriesOf(
      [
        [0, [500, 90]],
        [1000, [600, 90]],
        [2000, [40, 30]],
        [3000, [60, 31]],
      ],
      10_000,
    );
    expect(deltaOver(restarted, 10_000)?.counts).toEqual([120, 1]);
  });

  it("starts anew when the buckets are others", () => {
    const first = append(emptySeries, 0, { totals: [5, 5], edges: [null] }, 1000);
    const second = append(first, 1000, { totals: [9, 8, 9], edges: [5, null] }, 1000);
    expect(second.samples).toEqual([{ atMs: 1000, totals: [0, 0, 0] }]);
  });

  it("ignores a reading that is not newer than the last", () => {
    const series = seriesOf(
      [
        [0, [1]],
        [1000, [5]],
      ],
      1000,
    );
    expect(append(series, 1000, { totals: [9], edges: [] }, 1000)).toBe(series);
    expect(append(series, 500, { totals: [9], edges: [] }, 1000)).toBe(series);
  });

  it("keeps a bounded number of samples however long the window and however dense the readings", () => {
    let series = emptySeries;
    for (let atMs = 0; atMs <= 100_000; atMs += 10)
      series = append(series, atMs, { totals: [atMs], edges: [] }, 60_000);
    expect(series.samples.length).toBeLessThanOrEqual(MAX_SAMPLES + 4);
    const delta = deltaOver(series, 60_000);
    expect(delta?.spanMs).toBeGreaterThanOrEqual(60_000);
    expect(delta?.spanMs).toBeLessThan(60_000 * (1 + 2 / MAX_SAMPLES));
    expect(delta?.counts).toEqual([delta?.spanMs]);
  });
});

describe("deltaOver", () => {
  it("reaches back to the newest sample that is at least a window old", () => {
    const series = seriesOf(
      [
        [0, [0]],
        [900, [9]],
        [2100, [21]],
        [3000, [30]],
      ],
      2000,
    );
    expect(deltaOver(series, 2000)).toMatchObject({ counts: [21], spanMs: 2100 });
  });

  it("never gives a negative count, whatever the source does", () => {
    const reading = fc.tuple(fc.nat(5000), fc.array(fc.nat(1000), { minLength: 2, maxLength: 2 }));
    fc.assert(
      fc.property(
        fc.array(reading, { maxLength: 50 }),
        fc.integer({ min: 1, max: 5000 }),
        (readings, windowMs) => {
          const delta = deltaOver(seriesOf(readings, windowMs), windowMs);
          for (const count of delta?.counts ?? []) expect(count).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it("is the same as subtracting the raw counts while the source never restarts", () => {
    const gains = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(100)), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(gains, fc.integer({ min: 1, max: 10_000 }), (steps, windowMs) => {
        let atMs = 0;
        let count = 0;
        const readings = steps.map(([ms, gain]): [number, number[]] => [(atMs += ms), [(count += gain)]]);
        const from = readings.findLast(([ms]) => ms <= atMs - windowMs) ?? readings[0]!;
        const delta = deltaOver(seriesOf(readings, windowMs), windowMs);
        // Samples closer together than the resolution may have been dropped, so only exact windows are compared.
        if (delta?.spanMs === atMs - from[0]) expect(delta.counts).toEqual([count - from[1][0]!]);
        else expect(delta!.spanMs - (atMs - from[0])).toBeLessThanOrEqual((2 * windowMs) / MAX_SAMPLES);
      }),
    );
  });
});
