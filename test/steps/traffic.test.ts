import fc from "fast-check";
import { expect, it } from "vitest";
import { routesWith, sameShares, type Routes } from "../../src/steps/traffic.ts";

/** Two to four releases whose shares add up to 100. */
const routes: fc.Arbitrary<Routes> = fc
  .array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 })
  .map((weights) => routesOf(weights));

function routesOf(weights: number[]): Routes {
  const sum = weights.reduce((so, weight) => so + weight, 0);
  const shares = weights.map((weight) => Math.floor((100 * weight) / sum));
  shares[0]! += 100 - shares.reduce((so, share) => so + share, 0);
  return shares.map((percent, index) => ({ release: `v${index}`, percent }));
}

it("always gives the release its share, adds up to 100, and shares the rest in proportion", () => {
  fc.assert(
    fc.property(routes, fc.integer({ min: 1, max: 100 }), (before, percent) => {
      const after = routesWith("new", percent, before);
      expect(after[0]).toEqual({ release: "new", percent });
      expect(after.reduce((so, route) => so + route.percent, 0)).toBe(100);
      for (const route of after.slice(1)) {
        const was = before.find(({ release }) => release === route.release)!.percent;
        expect(route.percent).toBeGreaterThan(0);
        expect(Math.abs(route.percent - (was * (100 - percent)) / 100)).toBeLessThan(1);
      }
    }),
  );
});

it("is stable: applied to its own outcome it changes nothing", () => {
  fc.assert(
    fc.property(routes, fc.integer({ min: 1, max: 100 }), (before, percent) => {
      const after = routesWith("new", percent, before);
      expect(sameShares(routesWith("new", percent, after), after)).toBe(true);
    }),
  );
});

it("gives everything when nothing else is live", () => {
  expect(routesWith("v2", 10, [])).toEqual([{ release: "v2", percent: 100 }]);
  expect(routesWith("v2", 10, [{ release: "v2", percent: 40 }])).toEqual([{ release: "v2", percent: 100 }]);
  expect(routesWith("v2", 10, [{ release: "v1", percent: 0 }])).toEqual([{ release: "v2", percent: 100 }]);
});

it("compares shares whatever their order, and without those that get nothing", () => {
  const one = [
    { release: "a", percent: 30 },
    { release: "b", percent: 70 },
  ];
  expect(sameShares(one, [...one].reverse())).toBe(true);
  expect(sameShares(one, [...one, { release: "c", percent: 0 }])).toBe(true);
  expect(
    sameShares(one, [
      { release: "a", percent: 70 },
      { release: "b", percent: 30 },
    ]),
  ).toBe(false);
});
