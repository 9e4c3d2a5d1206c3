import { describe, expect, it } from "vitest";
import { watchOdds, type OddsQuestion } from "../../../src/watch/statistics/watch-odds.ts";

const HOUR = 3_600_000;

function ask(changes: Partial<OddsQuestion>): ReturnType<typeof watchOdds> {
  return watchOdds({
    target: 0.01,
    healthyShare: 0.001,
    requestsPerMinute: 120,
    durationMs: 2 * HOUR,
    ...changes,
  });
}

describe("the odds that a plan prints", () => {
  it("are the same for the same question", () => {
    expect(ask({})).toEqual(ask({}));
  });

  it("tell in how many minutes a regression is seen", () => {
    const [twice, five, ten] = ask({}).detection;
    expect(five).toMatchObject({ times: 5, share: 0.05, seenPercent: 100 });
    expect(five!.medianMinutes).toBeLessThanOrEqual(2);
    expect(five!.p95Minutes).toBeLessThanOrEqual(4);
    expect(ten!.medianMinutes).toBeLessThan(five!.medianMinutes!);
    expect(twice!.medianMinutes).toBeGreaterThan(5);
  });

  it("tell that nothing can be seen, where that is true", () => {
    const quiet = ask({ requestsPerMinute: 6, durationMs: HOUR / 2 }).detection;
    expect(quiet[0]).toMatchObject({ times: 2, medianMinutes: undefined, p95Minutes: undefined });
    expect(quiet[0]!.seenPercent).toBeLessThan(10);
    expect(ask({ requestsPerMinute: 0 }).detection.every((each) => each.seenPercent === 0)).toBe(true);
  });

  it("tell how many requests a watch needs before it may pass", () => {
    const { neededRequests } = ask({});
    expect(neededRequests).toBeGreaterThan(500);
    expect(neededRequests).toBeLessThan(5000);
    expect(ask({ requestsPerMinute: 6, durationMs: HOUR / 2 }).neededRequests).toBeUndefined();
  });

  it("keep the risk also when the release is as bad as it may be", () => {
    const near = ask({ healthyShare: 0.01, requestsPerMinute: 600 });
    expect(near.falseRollbackPercent).toBeLessThanOrEqual(1);
    expect(near.falseHoldPercent).toBeLessThanOrEqual(10);
    expect(near.falseHoldPercent).toBeGreaterThan(near.falseRollbackPercent);
  });

  it("get longer with more rules, with clusters and with longer blocks", () => {
    const plain = ask({}).detection[1]!.medianMinutes!;
    expect(ask({ gatingRules: 10 }).detection[1]!.medianMinutes).toBeGreaterThan(plain);
    expect(ask({ clusterSize: 4 }).detection[1]!.medianMinutes).toBeGreaterThan(plain);
    expect(ask({ minBlockMs: 120_000 }).detection[1]!.medianMinutes).toBeGreaterThan(plain);
  });

  it("get longer where a rule may not act in the beginning", () => {
    const notBeforeMs = 10 * 60_000;
    expect(ask({ notBeforeMs }).detection[2]!.medianMinutes).toBe(10);
    expect(ask({ notBeforeMs: 3 * HOUR }).detection.every(({ seenPercent }) => seenPercent === 0)).toBe(true);
  });

  it("leave out multiples that no share can have", () => {
    expect(ask({ target: 0.3, healthyShare: 0.1 }).detection.map(({ times }) => times)).toEqual([2]);
  });
});
