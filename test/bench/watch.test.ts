import { describe, expect, it } from "vitest";
import { NOISES, trafficOf } from "../../bench/support/watch-noise.ts";
import { PEERS } from "../../bench/support/watch-peers.ts";
import {
  minutesAt,
  OURS,
  rolledBackPercent,
  simulateCell,
  type Cell,
} from "../../bench/support/watch-simulation.ts";
import { seededRandom } from "../../src/watch/statistics/seeded-random.ts";

const DAY = 24 * 60;

function cell(changes: Partial<Cell>): Cell {
  return {
    noise: "independent",
    requestsPerMinute: 120,
    share: 0.009,
    shareBefore: 0.009,
    minutes: DAY,
    runs: 300,
    seed: 1,
    ...changes,
  };
}

describe("the simulated watches", () => {
  it.each(NOISES)("of %s errors roll a release near the line back in at most 1 %% of the days", (noise) => {
    const outcome = simulateCell(cell({ noise }), PEERS);
    expect(rolledBackPercent(outcome[0]!)).toBeLessThanOrEqual(1);
    expect(rolledBackPercent(outcome[1]!)).toBeLessThanOrEqual(10);
    const usual = outcome.slice(OURS, -1).map(rolledBackPercent);
    expect(Math.max(...usual)).toBe(100);
  });

  it("see 5 % in two minutes at 120 requests a minute and in nine at 30", () => {
    const bad = { share: 0.05, shareBefore: 0.001, minutes: 60, runs: 500 };
    const [at120] = simulateCell(cell(bad), []);
    const [at30] = simulateCell(cell({ ...bad, requestsPerMinute: 30 }), []);
    expect(minutesAt(at120!, 0.5)).toBeLessThanOrEqual(2);
    expect(minutesAt(at30!, 0.5)).toBeLessThanOrEqual(9);
    expect(rolledBackPercent(at120!)).toBe(100);
  });

  it("hold before they roll back", () => {
    const [rollback, hold] = simulateCell(cell({ share: 0.05, minutes: 30, runs: 100 }), []);
    expect(rollback!.every((time, run) => hold![run]! <= time)).toBe(true);
  });

  it("are the same again", () => {
    const short = cell({ minutes: 60, runs: 50, noise: "bursty", share: 0.03 });
    expect(simulateCell(short, PEERS)).toEqual(simulateCell(short, PEERS));
  });
});

describe("the noise", () => {
  it.each(NOISES)("of %s errors has the share of bad requests that is stated", (noise) => {
    const random = seededRandom(4);
    let [bad, total] = [0, 0];
    for (let day = 0; day < 20; day++) {
      const traffic = trafficOf(noise, random, 600, 0.01);
      for (let minute = 0; minute < DAY; minute++) {
        const block = traffic.block(minute * 60_000, 60_000);
        expect(block.bad).toBeLessThanOrEqual(block.total);
        bad += block.bad;
        total += block.total;
      }
    }
    expect(Math.abs(total / (600 * DAY * 20) - 1)).toBeLessThan(0.02);
    // The diurnal share is high when there is much traffic, so that its mean over requests is a little higher.
    expect(Math.abs(bad / total / 0.01 - 1)).toBeLessThan(0.06);
  });
});
