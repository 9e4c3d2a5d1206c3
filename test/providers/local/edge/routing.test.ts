import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EdgeMetrics } from "../../../../src/providers/local/edge/metrics.ts";
import { bucketCount, Routing } from "../../../../src/providers/local/edge/routing.ts";
import { documentOf, routeTo } from "../rig.ts";

function routing(routes: Parameters<typeof documentOf>[1]): Routing {
  const made = new Routing(new EdgeMetrics());
  made.apply(documentOf(1, routes));
  return made;
}

/** Weights of some releases, the newest first, that add up to 100. */
const weights = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 0, maxLength: 4 })
  .map((cuts) => [0, ...cuts, 100].toSorted((a, b) => a - b))
  .map((cuts) => cuts.slice(1).map((cut, index) => cut - cuts[index]!));

const bucket = fc.integer({ min: 0, max: bucketCount - 1 });

describe("routing", () => {
  it("gives every bucket to exactly one instance, and each instance its percent of them", () => {
    fc.assert(
      fc.property(weights, (percents) => {
        const made = routing(percents.map((percent, index) => routeTo(`v${index}`, 1000 + index, percent)));
        const counts = percents.map(() => 0);
        for (let one = 0; one < bucketCount; one++) counts[Number(made.owner(one)!.release.slice(1))]! += 1;
        expect(counts).toEqual(percents.map((percent) => (percent * bucketCount) / 100));
      }),
      { numRuns: 50 },
    );
  });

  it("keeps a client with the new release while that one's share grows", () => {
    const percents = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(percents, bucket, (shares, client) => {
        const made = routing([]);
        let joined = false;
        for (const percent of shares.toSorted((a, b) => a - b)) {
          made.apply(documentOf(1, [routeTo("v2", 2, percent), routeTo("v1", 1, 100 - percent)]));
          const isNew = made.owner(client)?.release === "v2";
          expect(joined && !isNew).toBe(false);
          joined = isNew;
        }
      }),
    );
  });

  it("gives a bucket to the same instance whenever the shares are the same", () => {
    fc.assert(
      fc.property(weights, bucket, (percents, client) => {
        const routes = percents.map((percent, index) => routeTo(`v${index}`, 1000 + index, percent));
        expect(routing(routes).owner(client)?.name).toBe(routing(routes).owner(client)?.name);
      }),
    );
  });

  it("has no owner when nothing has weight", () => {
    expect(routing([routeTo("v1", 1, 0, true)]).owner(0)).toBeUndefined();
  });

  it("puts another instance of the same release first in place of one that is down", () => {
    const twin = { ...routeTo("v2", 3, 10), instance: "v2-2" };
    const made = routing([routeTo("v2", 2, 10), twin, routeTo("v1", 1, 80)]);
    expect(made.substitute(made.instances[0]!)?.name).toBe("v2-2");
    made.instances[1]!.healthy = false;
    expect(made.substitute(made.instances[0]!)?.name).toBe("v1-1");
  });

  it("puts the largest share next, then a standby, and never one that is only staged", () => {
    const made = routing([
      routeTo("v4", 4, 0),
      routeTo("v3", 3, 30),
      routeTo("v2", 2, 70),
      routeTo("v1", 1, 0, true),
    ]);
    const [staged, small, large, standby] = made.instances;
    expect(made.substitute(small!)).toBe(large);
    large!.healthy = false;
    expect(made.substitute(large!)).toBe(small);
    expect(made.substitute(small!)).toBe(standby);
    standby!.healthy = false;
    expect(made.substitute(small!)).toBeUndefined();
    expect(staged!.healthy).toBe(true);
  });

  it("keeps what it knows of an instance from one document to the next, unless its address changed", () => {
    const made = routing([routeTo("v1", 1, 100)]);
    const before = made.instances[0]!;
    before.healthy = false;
    made.apply(documentOf(2, [routeTo("v2", 2, 50), routeTo("v1", 1, 50)]));
    expect(made.instances[1]).toBe(before);
    made.apply(documentOf(3, [routeTo("v1", 9, 100)]));
    expect(made.instances[0]).not.toBe(before);
  });

  it("remembers an instance that was removed until its last answer", () => {
    const made = routing([routeTo("v1", 1, 100)]);
    const leaving = made.instances[0]!;
    leaving.inFlight = 1;
    made.apply(documentOf(2, []));
    expect(made.leaving).toEqual([leaving]);
    leaving.inFlight = 0;
    made.sweep();
    expect(made.leaving).toEqual([]);
  });
});
