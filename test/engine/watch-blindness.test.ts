import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/model/run.ts";
import { BLINDING_FAULTS, type BlindingFault } from "../support/prometheus-emulator.ts";
import { eventually } from "../support/processes.ts";
import { freshState, type TestState } from "../support/state.ts";
import { WatchEngine, type WatchEngineOptions } from "../support/watch-engine.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const MINUTE = 60;
const DAY = 1440 * MINUTE;
const ROOM = { timeout: 240_000 };
const HEALTHY = 0.002;

const SETTINGS = {
  stages: [
    { name: "first-minutes", until: "5m", every: "30s" },
    { name: "half-hour", until: "30m", every: "1m" },
    { name: "two-hours", until: "2h", every: "5m" },
    { name: "day", until: "24h", every: "15m" },
  ],
  rules: [
    "errors: when error_rate > 1% -> rollback",
    "many: when error_rate > 5% for 5m strictly -> rollback",
    "quiet: expect error_rate < 1% for 30m -> fail-gate",
  ],
};

/**
 * When a fault begins, and ends; the last one is not over when the watch would be. Not being seen is blindness after 2
 * min at first and 10 min later, as soon as somebody looks, and then 10 min pass until a person is asked.
 */
const FAULTS: [stage: string, beginS: number, endS: number][] = [
  ["0 to 5 min", 2 * MINUTE, 22 * MINUTE],
  ["5 to 30 min", 15 * MINUTE, 35 * MINUTE],
  ["30 min to 2 h", 60 * MINUTE, 100 * MINUTE],
  ["2 to 24 h", DAY - 8 * MINUTE, DAY + 52 * MINUTE],
];

let runs = 0;

/** A request that hangs takes as long as the source allows it to, in real time. */
function timeoutFor(fault: BlindingFault): string {
  return fault === "hang" ? "50ms" : "10s";
}

async function within<Value>(
  options: Omit<WatchEngineOptions, "state" | "environment" | "settings">,
  use: (scene: WatchEngine) => Promise<Value>,
): Promise<Value> {
  const scene = await WatchEngine.open({
    state,
    environment: `production-${++runs}`,
    settings: SETTINGS,
    ...options,
  });
  try {
    return await use(scene);
  } finally {
    await scene.close();
  }
}

/** A person is asked by then, and nothing else has been done. */
async function expectHeld(scene: WatchEngine): Promise<void> {
  await eventually("a person is asked", async () => (await scene.run()).waitingFor !== undefined, 5_000);
  const run = await scene.run();
  expect(run).toMatchObject({
    state: "waiting",
    waitingFor: {
      for: "decision",
      stepId: "watch",
      text: expect.stringMatching(/cannot be seen/) as unknown,
    },
  });
  expect([run.outcome, run.verdict]).toEqual([undefined, undefined]);
  expect(scene.world.effects).toEqual(["act shift"]);
}

/** The fault begins in a stage of a healthy release's watch, is held for, and heals. */
async function blindFor(fault: BlindingFault, beginS: number, endS: number): Promise<void> {
  let isHeld = false;
  const at: WatchEngineOptions["at"] = [
    [beginS, ({ prometheus }) => prometheus.behave(fault)],
    [
      endS,
      async (scene) => {
        await expectHeld(scene);
        isHeld = true;
        await scene.prometheus.behave("none");
      },
    ],
  ];
  const bad: WatchEngineOptions["bad"] = { v1: [[0, HEALTHY]], v2: [[0, HEALTHY]] };
  await within({ bad, at, timeout: timeoutFor(fault) }, async (scene) => {
    const run = await scene.execute();
    expect(run, JSON.stringify(run.verdict)).toMatchObject({ outcome: "succeeded" });
    expect(isHeld).toBe(true);
    expect(scene.world.effects).toEqual(["act shift"]);
    expect(await scene.eventTypes()).not.toContain("run.verdict");
    const { watch, pausedMs, definition, ended } = await scene.saved();
    expect(ended).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    // The watch is longer by the time in which nobody saw, and in the end has seen all of it.
    expect(pausedMs).toBeGreaterThan(10 * MINUTE * 1000);
    expect(scene.seconds).toBeGreaterThanOrEqual(DAY + pausedMs / 1000);
    for (const rule of ["errors", "many", "quiet"]) {
      const { cursorMs, seenMs, sum } = watch.rules[rule]!.prom!;
      const seenS = (cursorMs - definition.startedAtMs) / 1000;
      expect(seenMs).toBe(cursorMs - definition.startedAtMs);
      expect(sum).toEqual(scene.countsUpTo("v2", seenS));
    }
  });
}

describe("a watch that cannot see a healthy release neither rolls back nor goes on", () => {
  for (const fault of BLINDING_FAULTS) {
    it.concurrent.each(FAULTS)(
      `for ${fault} in %s, and passes when it has seen what it missed`,
      ROOM,
      async (_, beginS, endS) => {
        await blindFor(fault, beginS, endS);
      },
    );
  }
});

const BAD = 0.1;

function expectRolledBack({ world }: WatchEngine, run: Run): void {
  expect(run.verdict).toMatchObject({
    decision: "roll-back",
    stepId: "watch",
    reason: expect.stringMatching(/^errors: error_rate > 1%: .* evidence/) as unknown,
  });
  expect(world.effects).toEqual(["act shift", "undo shift"]);
}

async function failedAfterS(scene: WatchEngine): Promise<number> {
  const { watch, definition } = await scene.saved();
  return (watch.rules.errors!.prom!.failure!.atMs - definition.startedAtMs) / 1000;
}

/** Where it cannot be found out whether going back helped, a person says that it did not. */
async function executeDecided(scene: WatchEngine): Promise<Run> {
  const executing = scene.execute();
  const subject = async (): Promise<string | undefined> => {
    const { waitingFor, state } = await scene.run();
    return waitingFor?.stepId === "cure" ? "cure" : state;
  };
  await expect.poll(subject, { timeout: 200_000, interval: 50 }).toMatch(/^(cure|ended)$/);
  if ((await subject()) === "cure") await scene.decide("cure", "failed");
  return executing;
}

describe("a bad release is rolled back", () => {
  it.concurrent.each(BLINDING_FAULTS)(
    "when it was seen before the source was gone, which leaves open whether that helped (%s)",
    ROOM,
    async (fault) => {
      const bad: WatchEngineOptions["bad"] = {
        v1: [[0, HEALTHY]],
        v2: [
          [0, HEALTHY],
          [10 * MINUTE, BAD],
        ],
      };
      const undone: WatchEngineOptions["undone"] = ({ prometheus }) => prometheus.behave(fault);
      await within({ bad, undone, timeout: timeoutFor(fault) }, async (scene) => {
        const run = await executeDecided(scene);
        expectRolledBack(scene, run);
        expect(run).toMatchObject({ outcome: "rollback-failed" });
        expect(await failedAfterS(scene)).toBeLessThan(20 * MINUTE);
      });
    },
  );

  it.concurrent.each(BLINDING_FAULTS)(
    "when it went bad while nobody could see it (%s)",
    ROOM,
    async (fault) => {
      const bad: WatchEngineOptions["bad"] = {
        v1: [[0, HEALTHY]],
        v2: [
          [0, HEALTHY],
          [16 * MINUTE, BAD],
        ],
      };
      const at: WatchEngineOptions["at"] = [
        [15 * MINUTE, ({ prometheus }) => prometheus.behave(fault)],
        [
          35 * MINUTE,
          async (scene) => {
            await expectHeld(scene);
            await scene.prometheus.behave("none");
          },
        ],
      ];
      await within({ bad, at, timeout: timeoutFor(fault) }, async (scene) => {
        const run = await executeDecided(scene);
        expectRolledBack(scene, run);
        // On a busy machine an answer about the cure may come later than that limit.
        if (fault !== "hang") expect(run).toMatchObject({ outcome: "rolled-back" });
        const failedS = await failedAfterS(scene);
        expect(failedS).toBeGreaterThan(16 * MINUTE);
        expect(failedS).toBeLessThan(25 * MINUTE);
      });
    },
  );
});
