import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { readEvidenceText } from "../../src/store/evidence.ts";
import { freshState, type TestState } from "../support/state.ts";
import { WatchEngine, type WatchEngineOptions } from "../support/watch-engine.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const HEALTHY = 0.002;

const SETTINGS: JsonObject = {
  stages: [
    {
      name: "first-minutes",
      until: "5m",
      every: "15s",
      rules: ["gross: when error_rate over 1m > 20% for 2 of 3 strictly -> rollback"],
    },
    { name: "half-hour", until: "30m", every: "1m", rules: ["early: expect error_rate < 1% -> fail-gate"] },
    { name: "two-hours", until: "2h", every: "1m" },
    { name: "day", until: "24h", every: "5m" },
  ],
  rules: [
    "errors: when error_rate > 1% -> rollback",
    "worse: when error_rate > baseline(before 1h) * 3 floor 0.5% -> rollback",
    "compared: when error_rate > control * 4 floor 0.5% -> rollback",
    "told: when error_rate > 2% for 5m strictly -> note",
    "quiet: expect error_rate < 1% for 12h -> fail-gate",
  ],
  shadow: ["strict: when error_rate > 0.3% for 10m strictly -> rollback"],
};

/** When the worker is stopped; another one goes on after so many seconds. */
const RESTARTS: [second: number, downS: number][] = [
  [90, 20],
  [20 * MINUTE, 5],
  [3 * HOUR, HOUR],
  [12 * HOUR + 7, 120],
  [DAY - 200, 30],
];

async function watchDay(
  environment: string,
  bad: WatchEngineOptions["bad"],
  restarts: typeof RESTARTS,
): Promise<WatchEngine> {
  let stop = new AbortController();
  const at: WatchEngineOptions["at"] = restarts.map(([second]) => [
    second,
    () => stop.abort(new Error("the worker is stopped")),
  ]);
  const scene = await WatchEngine.open({ state, environment, settings: SETTINGS, bad, at });
  try {
    for (const [, downS] of restarts) {
      stop = new AbortController();
      const ended = await scene.execute(stop.signal).then(
        () => true,
        (error: unknown) => {
          if (!stop.signal.aborted) throw error;
          return false;
        },
      );
      if (ended) return scene;
      scene.clock.advance(downS * 1000);
    }
    await scene.execute();
    return scene;
  } finally {
    await scene.close();
  }
}

async function evidence(scene: WatchEngine): Promise<string> {
  const { id } = await scene.run();
  const hashes = await state.journal.evidenceOf(id, "watch");
  return (await readEvidenceText(state.pool, hashes["watch.json"]!))!;
}

const KILOBYTE = 1024;

describe("a watch of a day", { timeout: 120_000 }, () => {
  it("passes a healthy release, as small and as quiet as it is long, whatever worker carries it out", async () => {
    const bad: WatchEngineOptions["bad"] = { v1: [[-DAY, HEALTHY]], v2: [[-DAY, HEALTHY]] };
    const whole = await watchDay("whole", bad, []);
    const broken = await watchDay("broken", bad, RESTARTS);
    for (const scene of [whole, broken]) {
      expect(await scene.run()).toMatchObject({ outcome: "succeeded" });
      const { ended, definition } = await scene.saved();
      expect(ended).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
      expect(definition.rules.map(({ rule }) => rule.name)).toHaveLength(8);
      expect(scene.seconds).toBeGreaterThanOrEqual(DAY);
      expect(scene.seconds).toBeLessThan(DAY + 10 * MINUTE);
      expect(JSON.stringify(await scene.savedJson()).length).toBeLessThan(64 * KILOBYTE);
      // One line a look at most; what is told becomes a row of the journal.
      expect(scene.lines.length).toBeLessThan(450);
      expect(await scene.eventTypes()).not.toContain("step.waiting");
    }
    expect((await broken.saved()).interruptions).toHaveLength(2);
    expect(await evidence(broken)).toBe(await evidence(whole));
  });

  it("tells little while it is blind for long", async () => {
    const bad: WatchEngineOptions["bad"] = { v1: [[-DAY, HEALTHY]], v2: [[-DAY, HEALTHY]] };
    const stop = new AbortController();
    let before = 0;
    const at: WatchEngineOptions["at"] = [
      [3 * HOUR, ({ prometheus }) => prometheus.behave("broken")],
      [3.5 * HOUR, ({ lines }) => void (before = lines.length)],
      [4.5 * HOUR, () => stop.abort(new Error("seen enough"))],
    ];
    const scene = await WatchEngine.open({ state, environment: "blind", settings: SETTINGS, bad, at });
    try {
      await expect(scene.execute(stop.signal)).rejects.toThrow("seen enough");
      expect(await scene.run()).toMatchObject({ state: "waiting", waitingFor: { for: "decision" } });
      expect(scene.lines.length - before).toBeLessThanOrEqual(62);
      expect(JSON.stringify(await scene.savedJson()).length).toBeLessThan(64 * KILOBYTE);
    } finally {
      await scene.close();
    }
  });

  it("rolls back a release that turns bad while no worker runs, by what it did meanwhile", async () => {
    const bad: WatchEngineOptions["bad"] = {
      v1: [[-DAY, HEALTHY]],
      v2: [
        [-DAY, HEALTHY],
        [3 * HOUR + 600, 0.05],
      ],
    };
    const scene = await watchDay("bad", bad, RESTARTS);
    const run = await scene.run();
    expect(run).toMatchObject({
      outcome: "rolled-back",
      verdict: { decision: "roll-back", stepId: "watch" },
    });
    expect(run.verdict?.reason).toMatch(/^(errors|worse|compared): /);
    expect(scene.world.effects).toEqual(["act shift", "undo shift"]);
    expect(scene.seconds).toBeLessThan(4 * HOUR + 10 * MINUTE);
  });
});
