import { describe, expect, it } from "vitest";
import type { SeriesAnswer } from "../../../src/model/signal-source.ts";
import type { Row } from "../../../src/steps/watch/history.ts";
import type { SavedWatch } from "../../../src/steps/watch/saved-watch.ts";
import { resolve, sceneOf, steady, type Scene, type SceneOptions, type Script } from "./scene.ts";

const GAUGE = "load: when gauge(load) > 100000 -> hold";
const DAY: SceneOptions = {
  settings: {
    stages: [
      { name: "half-hour", until: "30m", every: "1m" },
      { name: "day", until: "24h", every: "1m" },
    ],
    rules: [GAUGE],
  },
  history: "now",
  form: "values",
};

function rowsOf({ world }: Scene, key: string): Row[] {
  return (world.state() as unknown as SavedWatch).history[key]!;
}

describe("what is kept of a rule's values", () => {
  it("has every peak of a day, and stays small", async () => {
    const peaks = [400, 10_000, 40_000, 70_000];
    const script: Script = {
      traffic: (second) => ({
        perSecond: peaks.some((at) => second >= at && second < at + 60) ? 900 : 7,
        bad: 0,
      }),
    };
    const scene = sceneOf(script, {
      ...DAY,
    });
    await scene.run();
    const rows = rowsOf(scene, "load/prom");
    const startMs = scene.clock.now().getTime() - scene.seconds() * 1000;
    for (const peak of peaks) {
      const seconds = rows.filter(([, , value]) => value === 900).map(([atMs]) => (atMs - startMs) / 1000);
      expect(seconds.some((second) => second >= peak && second <= peak + 60)).toBe(true);
    }
    expect(rows.length).toBeLessThanOrEqual(250);
  });

  it("says where nobody looked at a source that does not know the past", async () => {
    const scene = sceneOf(steady(7, 0), { ...DAY, at: [[90_000, ({ world }) => resolve(world, "failed")]] });
    let looks = 0;
    await expect(
      scene.run((boundary) => {
        if (boundary === "saveState:after" && ++looks === 10) throw new Error("crash");
      }),
    ).rejects.toThrow("crash");
    const before = rowsOf(scene, "load/prom").at(-1)!;
    scene.clock.advance(20 * 60_000);
    await scene.run();
    const rows = rowsOf(scene, "load/prom");
    const next = rows[rows.findIndex(([atMs]) => atMs === before[0]) + 1]!;
    expect(next).toEqual([expect.any(Number), "MISSED", null, null, null]);
    expect(next[0]).toBeGreaterThan(before[0] + 18 * 60_000);
  });

  it("says where a source did not answer, and nothing of it when the source has made it good", async () => {
    const refused: SeriesAnswer = { state: "error", reason: "connection refused", isLasting: false };
    const fault = (second: number) => (second > 100 && second < 160 ? refused : undefined);
    const told = sceneOf(
      { ...steady(7, 0), fault },
      {
        settings: { rules: [GAUGE] },
        at: [[3_000, ({ world }) => resolve(world, "failed")]],
        history: "now",
        form: "values",
      },
    );
    await told.run();
    expect(rowsOf(told, "load/prom").map(([, state]) => state)).toContain("ERROR");
    const made = sceneOf({ ...steady(7, 0), fault });
    await made.run();
    expect(rowsOf(made, "errors/prom").map(([, state]) => state)).not.toContain("ERROR");
  });
});
