import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderStages } from "../../src/runbook/stage-order.ts";

const names = ["a", "b", "c", "d", "e", "f"];
const graph = fc.array(
  fc.option(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }), { nil: undefined }),
  {
    minLength: names.length,
    maxLength: names.length,
  },
);

describe("orderStages", () => {
  it("orders every stage after its needs, or names a circle that is really one", () => {
    fc.assert(
      fc.property(graph, (wanted) => {
        const stages = names.map((id, index) => ({ id, needs: wanted[index] }));
        const needsOf = (id: string): string[] => {
          const index = names.indexOf(id);
          return wanted[index] ?? names.slice(Math.max(0, index - 1), index);
        };
        const { order, cycles } = orderStages(stages);
        if (order === undefined) {
          expect(cycles.length).toBeGreaterThan(0);
          for (const cycle of cycles) {
            expect(cycle.at(0)).toBe(cycle.at(-1));
            cycle.slice(1).forEach((id, index) => expect(needsOf(cycle[index]!)).toContain(id));
          }
          return;
        }
        expect(order.toSorted()).toEqual(names);
        for (const id of order)
          for (const need of needsOf(id)) expect(order.indexOf(need)).toBeLessThan(order.indexOf(id));
      }),
    );
  });

  it("reports two separate circles", () => {
    const stages = [
      { id: "a", needs: ["b"] },
      { id: "b", needs: ["a"] },
      { id: "c", needs: ["d"] },
      { id: "d", needs: ["c"] },
    ];
    expect(orderStages(stages).cycles).toEqual([
      ["a", "b", "a"],
      ["c", "d", "c"],
    ]);
  });
});
