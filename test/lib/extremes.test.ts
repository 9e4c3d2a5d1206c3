import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extremesOf } from "../../src/lib/extremes.ts";

const valueOf = ([value]: [number | undefined]): number | undefined => value;
const rowOf = (...values: (number | undefined)[]): [number | undefined][] => values.map((value) => [value]);

describe("the extremes of a row", () => {
  it("are the lowest, the highest, and the last with and without a value, in their order", () => {
    expect(extremesOf(rowOf(3, 9, undefined, 1, undefined, 4, 5), valueOf)).toEqual(
      rowOf(9, 1, undefined, 5),
    );
    expect(extremesOf(rowOf(2), valueOf)).toEqual(rowOf(2));
    expect(extremesOf(rowOf(0, 0, 0, 7, 7, 5), valueOf)).toEqual(rowOf(0, 7, 5));
    const risen: [number, string][] = [
      [0, "a"],
      [0, "b"],
      [4, "c"],
    ];
    expect(extremesOf(risen, ([value]) => value).map(([, name]) => name)).toEqual(["b", "c"]);
    expect(extremesOf([], valueOf)).toEqual([]);
  });

  it("are the same when the row was thinned on the way", () => {
    const values = fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }), { maxLength: 30 });
    fc.assert(
      fc.property(values, (row) => {
        const items = rowOf(...row);
        const onTheWay = items.reduce<[number | undefined][]>(
          (kept, item) => extremesOf([...kept, item], valueOf),
          [],
        );
        expect(onTheWay).toEqual(extremesOf(items, valueOf));
      }),
    );
  });
});
