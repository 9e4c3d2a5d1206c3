import { describe, expect, it } from "vitest";
import type { EdgeRoute } from "../../../src/providers/local/edge/document.ts";
import type { InstanceRecord } from "../../../src/providers/local/instance-store.ts";
import { routesForShares, sharesOf, surplus, withInstance } from "../../../src/providers/local/traffic.ts";
import { routeTo } from "./rig.ts";

function record(release: string, stagedAtMs: number, instance = `${release}-1`): InstanceRecord {
  return { key: instance, instance, release, host: "127.0.0.1", port: stagedAtMs, stagedAtMs };
}
const [v1, v2, v3] = [record("v1", 1), record("v2", 2), record("v3", 3)];
const short = (routes: EdgeRoute[]) =>
  routes.map((one) => `${one.instance} ${one.weightPercent}${one.standby ? " standby" : ""}`);

describe("routesForShares", () => {
  it("puts the newest instance first, so that it takes the lowest buckets", () => {
    const routes = routesForShares(
      [routeTo("v1", 1, 100, true)],
      [
        { record: v1, percent: 95 },
        { record: v2, percent: 5 },
      ],
      [v2, v1],
    );
    expect(short(routes)).toEqual(["v2-1 5", "v1-1 95 standby"]);
  });

  it("orders by age whatever the order was, the unknown last", () => {
    const mixed = [routeTo("v0", 9, 0), routeTo("v1", 1, 100), routeTo("v3", 3, 0), routeTo("v2", 2, 0)];
    const routes = routesForShares(mixed, [{ record: v3, percent: 100 }], [v3, v2, v1]);
    expect(routes.map((one) => one.release)).toEqual(["v3", "v2", "v1", "v0"]);
  });

  it("makes a release a standby only once it has had all traffic", () => {
    const start = [routeTo("v2", 2, 0), routeTo("v1", 1, 100, true)];
    const canary = routesForShares(
      start,
      [
        { record: v2, percent: 5 },
        { record: v1, percent: 95 },
      ],
      [v2, v1],
    );
    expect(short(routesForShares(canary, [{ record: v1, percent: 100 }], [v2, v1]))).toEqual([
      "v2-1 0",
      "v1-1 100 standby",
    ]);
    expect(short(routesForShares(canary, [{ record: v2, percent: 100 }], [v2, v1]))).toEqual([
      "v2-1 100 standby",
      "v1-1 0 standby",
    ]);
  });
});

describe("withInstance", () => {
  it("adds an instance without traffic, or gives a known one its new port and nothing else", () => {
    expect(short(withInstance([routeTo("v1", 1, 100, true)], v2))).toEqual(["v2-1 0", "v1-1 100 standby"]);
    expect(withInstance([routeTo("v2", 9, 50)], v2)).toEqual([routeTo("v2", 2, 50)]);
  });
});

describe("sharesOf", () => {
  it("adds up the instances of a release and leaves out those without traffic", () => {
    const routes = [
      routeTo("v2", 1, 30),
      { ...routeTo("v2", 2, 20), instance: "v2-2" },
      routeTo("v1", 3, 50),
      routeTo("v0", 4, 0),
    ];
    expect(sharesOf(routes)).toEqual([
      { release: "v2", percent: 50 },
      { release: "v1", percent: 50 },
    ]);
  });
});

describe("surplus", () => {
  const records = [v3, v2, v1];
  const routes = [routeTo("v3", 3, 100), routeTo("v2", 2, 0), routeTo("v1", 1, 0)];
  const healthy = new Map(records.map((one) => [one.instance, true]));
  const leaving = (keep: string[], keepWarm: number, more = {}) =>
    surplus({ records, routes, healthy, keep, keepWarm, ...more }).map((one) => one.instance);

  it("spares what has traffic and the releases named, as many as may stay warm", () => {
    expect(leaving(["v2", "v1"], 2)).toEqual([]);
    expect(leaving(["v2", "v1"], 1)).toEqual(["v1-1"]);
    expect(leaving(["v3", "v1"], 1)).toEqual(["v2-1"]);
    expect(leaving(["v2"], 0)).toEqual(["v2-1", "v1-1"]);
  });

  it("does not spare an instance that is not healthy, nor an older one of the same release", () => {
    expect(leaving(["v2"], 1, { healthy: new Map([["v1-1", true]]) })).toEqual(["v2-1", "v1-1"]);
    const old = record("v2", 0, "v2-0");
    const all = { records: [...records, old], healthy: new Map([...healthy, ["v2-0", true]]) };
    expect(leaving(["v2"], 2, all)).toEqual(["v1-1", "v2-0"]);
    const oldOfServing = record("v3", 0, "v3-0");
    expect(leaving(["v3"], 2, { records: [v3, oldOfServing] })).toEqual(["v3-0"]);
  });
});
