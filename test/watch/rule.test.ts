import { describe, expect, it } from "vitest";
import { describeProbe, describeRule, ruleSchema } from "../../src/watch/rule.ts";
import { probeOf, ruleOf } from "./samples.ts";

describe("ruleSchema", () => {
  it("fills in the defaults", () => {
    const rule = ruleSchema.parse({ id: "a", signal: "p95Ms", above: 500, for: "5s" });
    expect(rule).toEqual({
      id: "a",
      signal: "p95Ms",
      above: 500,
      for: "5s",
      source: "edge",
      of: "release",
      minRequests: 50,
      onBreach: "rollback",
    });
  });

  it.each([
    ["no limit", { id: "a", signal: "p95Ms", for: "5s" }, "above"],
    ["two limits", { id: "a", signal: "p95Ms", above: 1, below: 1, for: "5s" }, "above"],
    [
      "a slow share without its bound",
      { id: "a", signal: "slowSharePercent", above: 5, for: "5s" },
      "slowerThan",
    ],
    [
      "a bound on another signal",
      { id: "a", signal: "p95Ms", slowerThan: "1s", above: 5, for: "5s" },
      "slowerThan",
    ],
    ["no time at all", { id: "a", signal: "p95Ms", above: 5, for: "0s" }, "for"],
    ["a floor of nothing", { id: "a", signal: "p95Ms", above: 5, for: "5s", minRequests: 0 }, "minRequests"],
  ])("refuses %s", (_, value, path) => {
    const parsed = ruleSchema.safeParse(value);
    expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });

  it("refuses an unknown field", () => {
    expect(ruleSchema.safeParse({ ...ruleOf(), abvoe: 3 }).success).toBe(false);
  });
});

describe("describeRule", () => {
  it("is a sentence that says what happens when, with the floor", () => {
    expect(describeRule(ruleOf({ for: "5s", minRequests: 50 }))).toBe(
      "rolls back when errors of the new release exceed 1 % for 5s, at 50 requests or more",
    );
    expect(
      describeRule(ruleOf({ signal: "p95Ms", above: 500, for: "10m", over: "1m", onBreach: "hold" })),
    ).toBe(
      "holds and asks when the p95 latency of the new release exceeds 500 ms for 10m, each value over 1m, at 100 requests or more",
    );
    expect(describeRule(ruleOf({ signal: "requestsPerSecond", below: 10, for: "1m", of: "previous" }))).toBe(
      "rolls back when requests to the previous release stay below 10 per second for 1m",
    );
  });

  it("describes a probe", () => {
    expect(describeProbe(probeOf())).toBe(
      "rolls back when GET /health does not answer 200 within 2s, 3 times in a row",
    );
  });
});
