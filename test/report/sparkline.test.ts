import { describe, expect, it } from "vitest";
import type { SeriesRow } from "../../src/model/watch-report.ts";
import { sparkline } from "../../src/report/sparkline.ts";

function rowsOf(...values: (number | undefined)[]): SeriesRow[] {
  return values.map((value, index) => ({
    atMs: index,
    state: "ok",
    ...(value === undefined ? {} : { value }),
  }));
}

describe("a line of blocks", () => {
  it("goes from 0 to the highest value", () => {
    expect(sparkline({ rows: rowsOf(0, 1, 2, 3, 4, 5, 6, 7) })).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline({ rows: rowsOf(7, 8) })).toBe("██");
  });

  it("leaves open where there is no value, and bridges nothing else", () => {
    expect(sparkline({ rows: rowsOf(8, undefined, undefined, 8) })).toBe("█··█");
    const far = [0, 1, 2, 30].map((atMs): SeriesRow => ({ atMs, state: "ok", value: 5 }));
    expect(sparkline({ rows: far })).toBe("████");
  });

  it("has every peak, however long it was looked at", () => {
    const line = sparkline({
      rows: rowsOf(...Array.from({ length: 480 }, (_, at) => (at === 333 ? 100 : 1))),
    })!;
    expect(line).toHaveLength(48);
    expect(line.indexOf("█")).toBe(Math.floor((333 * 48) / 479));
  });

  it("is none when nothing was seen, and flat when nothing happened", () => {
    expect(sparkline({ rows: [] })).toBeUndefined();
    expect(sparkline({ rows: rowsOf(undefined, undefined) })).toBeUndefined();
    expect(sparkline({ rows: rowsOf(0, 0, 0) })).toBe("▁▁▁");
  });
});
