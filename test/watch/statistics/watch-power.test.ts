import { describe, expect, it } from "vitest";
import { epochsOf, plannedBlocks, threshold } from "../../../src/watch/statistics/spending.ts";
import { watchOdds } from "../../../src/watch/statistics/watch-odds.ts";
import { watchPower, type Exposure, type PowerQuestion } from "../../../src/watch/statistics/watch-power.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const QUESTION: PowerQuestion = { share: 0.03, target: 0.01, threshold: threshold(0.01, 1) };

/** What a watch of that length had at an even traffic. */
function exposureOf(durationMs: number, perMinute: number, controlPerMinute = 0): Exposure[] {
  const epochs = epochsOf(durationMs);
  return epochs.map(({ fromMs, toMs }): Exposure => {
    const blocks = plannedBlocks(durationMs).filter((block) => block.fromMs >= fromMs && block.fromMs < toMs);
    const minutes = blocks.reduce((sum, { lengthMs }) => sum + lengthMs, 0) / MINUTE;
    return { blocks: blocks.length, total: perMinute * minutes, control: controlPerMinute * minutes };
  });
}

function powerOf(durationMs: number, perMinute: number, question = QUESTION): ReturnType<typeof watchPower> {
  return watchPower(epochsOf(2 * durationMs), exposureOf(durationMs, perMinute), question);
}

describe("what a watch could have seen", () => {
  it.each([
    [30, 12],
    [30, 60],
    [120, 120],
    [20, 600],
  ])("agrees with the odds that a plan prints: %d min at %d requests a minute", (minutes, perMinute) => {
    const durationMs = minutes * MINUTE;
    const { odds } = powerOf(durationMs, perMinute, { ...QUESTION, share: 0.05 });
    const planned = watchOdds({
      target: 0.01,
      healthyShare: 0.001,
      requestsPerMinute: perMinute,
      durationMs,
    });
    expect(Math.abs(100 * odds - planned.detection[1]!.seenPercent)).toBeLessThan(5);
  });

  it.each([
    [30, 0.01],
    [120, 0.01],
    [600, 0.01],
    [6000, 0.01],
    [30, 0.05],
    [600, 0.05],
    [600, 0.001],
  ])("needs about the requests that a plan names: at %d a minute against %d", (perMinute, target) => {
    const { neededRequests } = watchOdds({
      target,
      healthyShare: target / 10,
      requestsPerMinute: perMinute,
      durationMs: 12 * HOUR,
    });
    const question = { ...QUESTION, share: 3 * target, target };
    const short = watchPower(epochsOf(12 * HOUR), exposureOf(MINUTE, perMinute), question);
    expect(short.odds).toBeLessThan(0.95);
    expect(short.neededRequests! / neededRequests!).toBeGreaterThan(0.8);
    expect(short.neededRequests! / neededRequests!).toBeLessThan(1.25);
  });

  it("is nothing without a request, and no number is needed where none would do", () => {
    expect(powerOf(HOUR, 0)).toEqual({ odds: 0, neededRequests: undefined });
    expect(powerOf(HOUR, 1, { ...QUESTION, share: 0.00003, target: 0.00001 })).toEqual({
      odds: 0,
      neededRequests: undefined,
    });
    expect(watchPower(epochsOf(HOUR), [], QUESTION).odds).toBe(0);
  });

  it("is less beside a control, and little beside one with few requests", () => {
    const beside = (controlPerMinute: number): number =>
      watchPower(epochsOf(2 * HOUR), exposureOf(HOUR, 300, controlPerMinute), {
        ...QUESTION,
        control: { share: 0.005, times: 2, floor: 0 },
      }).odds;
    expect(powerOf(HOUR, 300).odds).toBe(1);
    expect(beside(300)).toBeGreaterThan(0.9);
    expect(beside(3)).toBeLessThan(0.5);
  });

  it("is that of what each block is held against, where points are added to what the control may have", () => {
    const beside = (controlPerMinute: number, target = 0.035): number =>
      watchPower(epochsOf(2 * HOUR), exposureOf(HOUR, 300, controlPerMinute), {
        ...QUESTION,
        share: 0.1,
        target,
        control: { share: 0.005, times: 1, plus: 0.03, floor: 0 },
      }).odds;
    expect(beside(3000)).toBe(1);
    expect(beside(1)).toBeLessThan(0.5);
    expect(beside(1, 0.001)).toBe(beside(1));
  });

  it("needs the floor to be exceeded as well", () => {
    const withFloor = (floor: number): number =>
      watchPower(epochsOf(2 * HOUR), exposureOf(HOUR, 300, 3000), {
        ...QUESTION,
        control: { share: 0.005, times: 2, floor },
      }).odds;
    expect(withFloor(0.001)).toBeGreaterThan(0.9);
    expect(withFloor(0.03)).toBeLessThan(0.1);
  });

  it("has the same answer for the same question", () => {
    expect(powerOf(HOUR, 20)).toEqual(powerOf(HOUR, 20));
  });
});
