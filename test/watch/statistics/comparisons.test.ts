import { describe, expect, it } from "vitest";
import { BASELINE_ALPHA_PART, baselineTarget } from "../../../src/watch/statistics/baseline-target.ts";
import { addBlock, evidenceValue, noEvidence } from "../../../src/watch/statistics/block-evidence.ts";
import { burnTarget, isBurning } from "../../../src/watch/statistics/burn-rate.ts";
import { controlBlock } from "../../../src/watch/statistics/control-block.ts";
import { SAMPLE_RATIO_LIMIT, sampleRatioP } from "../../../src/watch/statistics/sample-ratio.ts";
import { seededRandom } from "../../../src/watch/statistics/seeded-random.ts";
import { plannedBlocks, ROLLBACK_ALPHA, threshold } from "../../../src/watch/statistics/spending.ts";

const HOUR = 3_600_000;

describe("a target from a baseline", () => {
  it("is the rise over what the baseline may truly have been", () => {
    const target = baselineTarget({ bad: 144, total: 144_000 }, { times: 2 }, 0.0002);
    expect(target).toBeCloseTo(2 * 0.001235215003296174, 12);
    const points = baselineTarget({ bad: 144, total: 144_000 }, { times: 1, plus: 0.01 }, 0);
    expect(points).toBeCloseTo(0.011235215003296174, 12);
  });

  it("is never below the floor, also when the baseline had no errors", () => {
    expect(baselineTarget({ bad: 0, total: 1e9 }, { times: 2 }, 0.002)).toBe(0.002);
    expect(baselineTarget({ bad: 0, total: 100 }, { times: 2 }, 0.002)).toBeGreaterThan(0.1);
  });

  it("is higher where the baseline's errors came in clusters", () => {
    const plain = baselineTarget({ bad: 144, total: 144_000 }, { times: 2 }, 0)!;
    expect(baselineTarget({ bad: 144, total: 144_000, dispersion: 7 }, { times: 2 }, 0)).toBeGreaterThan(
      plain,
    );
  });

  it("is hardly ever reached by a release that is as good as before", () => {
    const random = seededRandom(12);
    const rollbackAt = threshold(ROLLBACK_ALPHA * BASELINE_ALPHA_PART, 1);
    expect(rollbackAt).toBe(200);
    const blocks = plannedBlocks(4 * HOUR);
    let fired = 0;
    for (let run = 0; run < 300; run++) {
      const target = baselineTarget({ bad: random.poisson(7.2), total: 7200 }, { times: 1.5 }, 0.0005)!;
      let evidence = noEvidence;
      let isReached = false;
      for (const { lengthMs, startWeight } of blocks) {
        const total = (120 * lengthMs) / 60_000;
        evidence = addBlock(evidence, { bad: random.poisson(total * 0.001), total }, target, startWeight);
        isReached ||= evidenceValue(evidence) >= rollbackAt;
      }
      if (isReached) fired++;
    }
    expect(fired).toBeLessThanOrEqual(3);
  });

  it("is undefined without a request, and where nothing could exceed it", () => {
    expect(baselineTarget({ bad: 0, total: 0 }, { times: 2 }, 0.002)).toBeUndefined();
    expect(baselineTarget({ bad: 60, total: 100 }, { times: 2 }, 0.002)).toBeUndefined();
  });
});

describe("a concurrent control", () => {
  /** The share of watches of a day that reach 100, and the median minutes of those that do. */
  function simulate(rise: number, clusterSize: number): { fired: number; medianMinutes: number } {
    const random = seededRandom(11);
    const blocks = plannedBlocks(24 * HOUR);
    const errorsOf = (mean: number): number => {
      let bad = 0;
      for (let clusters = random.poisson(mean / clusterSize); clusters > 0; clusters--)
        bad += random.geometric(clusterSize);
      return bad;
    };
    const minutes = Array.from({ length: 150 }, () => {
      let evidence = noEvidence;
      for (const { fromMs, lengthMs, startWeight } of blocks) {
        const requests = (300 * lengthMs) / 60_000;
        const release = { bad: errorsOf(requests * 0.002 * rise), total: requests };
        const control = { bad: errorsOf(requests * 0.002), total: requests };
        const { block, target } = controlBlock(release, control, 1.5)!;
        evidence = addBlock(evidence, block, target, startWeight);
        if (evidenceValue(evidence) >= 100) return (fromMs + lengthMs) / 60_000;
      }
      return Infinity;
    });
    const sorted = minutes.toSorted((a, b) => a - b);
    return { fired: minutes.filter((each) => each < Infinity).length / 150, medianMinutes: sorted[75]! };
  }

  it("is held against the release's share of all errors", () => {
    const compared = controlBlock({ bad: 3, total: 100 }, { bad: 5, total: 300 }, 2);
    expect(compared).toEqual({ block: { bad: 3, total: 8 }, target: 200 / 500 });
    expect(controlBlock({ bad: 3, total: 100 }, { bad: 0, total: 0 }, 2)).toBeUndefined();
  });

  it("does not roll back an equal release, also when errors come in clusters of four", () => {
    expect(simulate(1, 1).fired).toBe(0);
    expect(simulate(1, 4).fired).toBeLessThanOrEqual(0.02);
  });

  it("sees a tenfold rise", () => {
    expect(simulate(10, 1)).toMatchObject({ fired: 1, medianMinutes: expect.any(Number) as number });
    expect(simulate(10, 1).medianMinutes).toBeLessThan(15);
  });
});

describe("the sample ratio", () => {
  it("is looked at each minute of a day without a false alarm", () => {
    const random = seededRandom(3);
    let alarms = 0;
    for (let run = 0; run < 200; run++) {
      let [release, control, isOff] = [0, 0, false];
      for (let minute = 0; minute < 1440; minute++) {
        release += random.poisson(2.5);
        control += random.poisson(7.5);
        isOff ||= sampleRatioP(release, control, 0.25) < SAMPLE_RATIO_LIMIT;
      }
      if (isOff) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });

  it("sees a split that drifted", () => {
    expect(sampleRatioP(500, 500, 0.5)).toBe(1);
    expect(sampleRatioP(600, 400, 0.5)).toBeLessThan(SAMPLE_RATIO_LIMIT);
    expect(sampleRatioP(0, 0, 0.5)).toBeCloseTo(1, 12);
    expect(sampleRatioP(1e9, 1, 0.5)).toBe(0);
    expect(sampleRatioP(1, 1, 0)).toBeNaN();
  });
});

describe("the burn rate", () => {
  it("needs both windows", () => {
    const target = burnTarget(0.999, 14.4);
    expect(target).toBeCloseTo(0.0144, 12);
    expect(isBurning({ bad: 20, total: 1000 }, { bad: 2, total: 100 }, target)).toBe(true);
    expect(isBurning({ bad: 20, total: 1000 }, { bad: 0, total: 100 }, target)).toBe(false);
    expect(isBurning({ bad: 1, total: 1000 }, { bad: 2, total: 100 }, target)).toBe(false);
  });

  it("is unknown where nothing was asked", () => {
    expect(isBurning({ bad: 20, total: 1000 }, { bad: 0, total: 0 }, 0.01)).toBeUndefined();
  });
});
