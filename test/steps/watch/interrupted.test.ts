import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { watch } from "../../../src/steps/watch.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import type { SavedWatch } from "../../../src/steps/watch/saved-watch.ts";
import type { StepResult } from "../../../src/model/step-kind.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../../src/testing/step-harness.ts";
import type { Tap } from "../../../src/testing/fake-step-context.ts";
import { resolve, RULE, sceneOf, steady, type Scene, type SceneOptions, type Script } from "./scene.ts";

/** What a watch over this had kept after 40 minutes, written by the first tminus that keeps version 2. */
const KEPT_FILE = new URL("../../fixtures/watch/saved-2.json", import.meta.url);
const KEPT: SceneOptions = {
  settings: {
    stages: [
      { name: "first-minutes", until: "5m", every: "15s" },
      { name: "half-hour", until: "30m", every: "1m", rules: ["early: expect error_rate < 1% -> fail-gate"] },
      { name: "two-hours", until: "2h", every: "1m" },
    ],
    rules: [
      RULE,
      "worse: when error_rate > baseline(before 1h) * 3 floor 0.5% -> rollback",
      "compared: when error_rate > control * 4 floor 0.5% -> rollback",
      "told: when error_rate > 2% for 5m strictly -> note",
      "quiet: expect error_rate < 1% for 1h -> fail-gate",
    ],
    shadow: ["strict: when error_rate > 0.3% for 10m strictly -> rollback"],
  },
  lagMs: 30_000,
};

/** Dies at every third look, so many times, and is down for a while each time. */
async function runThroughCrashes(scene: Scene, crashes: number, downMs: number): Promise<StepResult> {
  for (let life = 0; life < crashes; life++) {
    let saves = 0;
    const tap: Tap = (boundary) => {
      if (boundary === "saveState:after" && ++saves === 3) throw new Error("crash");
    };
    await expect(scene.run(tap)).rejects.toThrow("crash");
    scene.clock.advance(downMs);
  }
  return scene.run();
}

function evidenceOf({ world }: Scene, name: string): string | undefined {
  return world.evidence.findLast((one) => one.name === name)?.content;
}

describe("a watch that was interrupted", () => {
  it.each([
    ["healthy", steady(5, 0.002)],
    [
      "bad after a while",
      { traffic: (second) => ({ perSecond: 5, bad: second < 4000 ? 0.001 : 0.06 }) } as Script,
    ],
    [
      "of a source that knows new visitors",
      { traffic: () => ({ perSecond: 5, bad: 0.002, visitors: 0.1 }) } as Script,
    ],
  ])(
    "leaves the same evidence, to the byte, after twenty restarts and an outage of an hour (%s)",
    async (_, script) => {
      const settings = {
        duration: "3h",
        every: "30s",
        rules: [
          RULE,
          "strict: when error_rate > 2% for 5m strictly -> rollback",
          "compared: when error_rate > control * 4 floor 0.5% -> rollback",
        ],
      };
      const whole = sceneOf(script, { settings, lagMs: 30_000 });
      const expected = await whole.run();
      const broken = sceneOf(script, { settings, lagMs: 30_000 });
      await expect(runThroughCrashes(broken, 20, 20_000).then(() => undefined)).resolves.toBeUndefined();
      const outage = sceneOf(script, { settings, lagMs: 30_000 });
      const result = await runThroughCrashes(outage, 1, 3_600_000);
      expect(result.outcome).toBe(expected.outcome);
      expect(evidenceOf(broken, "watch.json")).toBe(evidenceOf(whole, "watch.json"));
      expect(evidenceOf(outage, "watch.json")).toBe(evidenceOf(whole, "watch.json"));
      expect(evidenceOf(outage, "looks.json")).toContain('"interruptions": [\n    {');
      const knowsVisitors = script.traffic(0, "v2").visitors !== undefined;
      expect(evidenceOf(whole, "watch.json")!.includes('"visitors"')).toBe(knowsVisitors);
    },
  );

  it("counts what came in the gap as a whole where the source only counts", async () => {
    const scene = sceneOf(steady(5, 0.05), { history: "counter", settings: { duration: "2h" } });
    const result = await runThroughCrashes(scene, 2, 600_000);
    expect(result).toMatchObject({ outcome: "failed", result: { verdict: "fail" } });
  });

  it("does not pass when nobody looked for too long and the source knows only now", async () => {
    const scene = sceneOf(steady(50, 0), {
      history: "now",
      form: "values",
      settings: { rules: ["busy: when gauge(conn) > 90% of max for 2m -> rollback"] },
      at: [[900, ({ world }) => resolve(world, "failed")]],
    });
    const result = await runThroughCrashes(scene, 1, 300_000);
    expect(scene.world.waits[0]?.text).toMatch(
      /not proven good: busy: seen for \d+ s of 10m|not proven good: busy: seen for .* of .*/,
    );
    expect(result.outcome).toBe("failed");
  });

  it.each([
    { byMs: -3_600_000, history: "range", wasRight: true, said: "was set back by 1h" },
    { byMs: -3_600_000, history: "counter", wasRight: true, said: "was set back by 1h" },
    { byMs: 3_600_000, history: "range", wasRight: true, said: "went on by 1h" },
    { byMs: 3_600_000, history: "range", wasRight: false, said: "went on by 1h" },
    { byMs: 3_600_000, history: "counter", wasRight: true, said: "went on by 1h" },
    { byMs: 2_345_678, history: "range", wasRight: false, said: "went on by 39m" },
  ] as const)(
    "goes on by elapsed time when the machine's clock jumps (by $byMs ms, source with $history, right before: $wasRight)",
    async ({ byMs, history, wasRight, said }) => {
      const settings = { duration: "30m", every: "15s" };
      for (const bad of [0, 0.1]) {
        const script: Script = { traffic: (second) => ({ perSecond: 50, bad: second < 1200 ? 0 : bad }) };
        const whole = sceneOf(script, { history, settings });
        const expected = await whole.run();
        const jumped = sceneOf(script, {
          history,
          settings,
          sourceAheadMs: wasRight ? 0 : byMs,
          at: [[600, ({ clock }) => clock.step(byMs)]],
        });
        const result = await jumped.run();
        expect(result).toMatchObject({
          outcome: expected.outcome,
          result: { verdict: bad > 0 ? "fail" : "pass" },
        });
        expect(jumped.clock.monotonicMs()).toBe(whole.clock.monotonicMs());
        expect(jumped.world.waits).toEqual([]);
        expect(jumped.world.progress.join()).toContain(`the clock of this machine ${said}`);
        expect(JSON.parse(evidenceOf(jumped, "looks.json")!)).toMatchObject({
          interruptions: [],
          blind: [],
          clockSteps: [{ byMs }],
        });
      }
    },
  );

  it("has the same time left when the clock had jumped before a crash", async () => {
    const scene = sceneOf(steady(50, 0), {
      settings: { duration: "1h", every: "15s" },
      at: [[600, ({ clock }) => clock.step(7_200_000)]],
    });
    let saves = 0;
    const dead: Tap = (boundary) => {
      if (boundary === "saveState:after" && ++saves === 60) throw new Error("crash");
    };
    await expect(scene.run(dead)).rejects.toThrow("crash");
    scene.clock.advance(60_000);
    expect(await scene.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(scene.clock.monotonicMs()).toBe(3_600_000);
    expect((scene.world.state() as unknown as SavedWatch).steppedMs).toBe(7_200_000);
  });

  it("goes on from its last look when the clock was set back while nobody looked", async () => {
    const scene = sceneOf(steady(50, 0.1), { settings: { duration: "1h", every: "15s" } });
    const dead: Tap = (boundary) => {
      if (boundary === "saveState:after") throw new Error("crash");
    };
    await expect(scene.run(dead)).rejects.toThrow("crash");
    scene.clock.step(-7_200_000);
    expect((await scene.run()).outcome).toBe("failed");
    expect(scene.clock.monotonicMs()).toBeLessThan(600_000);
  });

  it("gives the same outcome again when it had ended, without looking", async () => {
    for (const bad of [0, 0.1]) {
      const scene = sceneOf(steady(10, bad));
      const first = await scene.run();
      const endedAt = scene.seconds();
      expect(await scene.run()).toEqual(first);
      expect(scene.seconds() - endedAt).toBeLessThan(1);
      const seen = await watch.observe(scene.world.open(scene.settings, null).context);
      expect(seen.state).toBe(first.outcome === "done" ? "done" : "absent");
    }
  });

  it("begins anew when a person had a failed watch repeated", async () => {
    let isFixed = false;
    const scene = sceneOf({ traffic: () => ({ perSecond: 10, bad: isFixed ? 0 : 0.1 }) });
    expect(await scene.run()).toMatchObject({ outcome: "failed" });
    isFixed = true;
    resolve(scene.world, "retry");
    expect(await scene.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
  });

  it("takes an answer that came while it was down", async () => {
    const scene = sceneOf(steady(0.01, 0));
    let waiting = 0;
    const crash: Tap = (boundary) => {
      if (scene.world.waits.length > 0 && boundary === "saveState:after" && ++waiting === 2)
        throw new Error("crash");
    };
    await expect(scene.run(crash)).rejects.toThrow("crash");
    resolve(scene.world, "done", "while it was down");
    expect((await scene.run()).reason).toMatch(/accepted by kim: while it was down$/);
  });

  it("goes on with what was kept before an upgrade of tminus", async () => {
    const scene = sceneOf(steady(10, 0.002), KEPT);
    const kept = JSON.parse(readFileSync(KEPT_FILE, "utf8")) as SavedWatch;
    await scene.world.open(scene.settings, null).context.saveState(kept as unknown as JsonObject);
    scene.clock.advance(kept.lastLookMs! - scene.clock.now().getTime() + 60_000);
    const result = await scene.run();
    expect(result).toMatchObject({
      outcome: "done",
      result: { verdict: "pass", startedAt: new Date(kept.definition.startedAtMs).toISOString() },
    });
    expect(scene.world.progress.join()).not.toContain("begins anew");
    const whole = sceneOf(steady(10, 0.002), KEPT);
    await whole.run();
    // A definition is frozen when a watch begins: what later versions note in it is not there, and among how many rules
    // the risk is divided stays, with what follows from it. Rows of the time before were chosen as that version chose them.
    const chosenUntilMs = kept.lastLookMs! + 15 * 60_000;
    const noted = (text = ""): unknown =>
      JSON.parse(text, (key, value: unknown) => {
        if (["before", "gatingRules", "hold", "holdPercent", "roll"].includes(key)) return undefined;
        return key === "rows" && Array.isArray(value)
          ? value.filter(([atMs]: [number]) => atMs > chosenUntilMs)
          : value;
      });
    expect(noted(evidenceOf(scene, "watch.json"))).toEqual(noted(evidenceOf(whole, "watch.json")));
  });

  it("begins anew, and says so, on what a tminus of another time has kept", async () => {
    const scene = sceneOf(steady(10, 0));
    const { context } = scene.world.open(scene.settings, null);
    await context.saveState({ watch: { startedAtMs: 1 }, ended: null });
    expect(await scene.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(scene.world.progress[0]).toContain("begins anew");
  });

  it("keeps what was measured before traffic moved, also of a form that it does not know, and says what it measures again", async () => {
    const rules = ["worse", "higher"].map(
      (name) => `${name}: when error_rate > baseline(before 1h) * 3 floor 0.5% -> rollback`,
    );
    const scene = sceneOf(steady(10, 0), { settings: { rules } });
    const { context } = scene.world.open(scene.settings, null);
    const before = { form: "counts", bad: 70, total: 7777 };
    const sources = [{ name: "prom", before, test: "of another form" }];
    const unreadable = [{ name: "prom", before: { form: "counts", bad: 2, total: 1 } }];
    await context.saveState({
      version: 99,
      definition: {
        rules: [
          { rule: { name: "worse" }, sources },
          { rule: { name: "higher" }, sources: unreadable },
        ],
      },
    });
    expect(await scene.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    const { definition } = scene.world.state() as unknown as SavedWatch;
    const kept = definition.rules.map((own) => own.sources[0]!.before);
    expect(kept).toEqual([before, expect.objectContaining({ bad: 0 })]);
    expect(scene.world.progress[0]).toBe(
      "what another version of tminus kept of this watch is not understood: it begins anew; with the baseline that was measured for worse; the baseline of higher is measured again",
    );
  });
});

describe("watch as a step kind", () => {
  const stepCase: StepCase = {
    kind: watch,
    with: { duration: "10m", every: "1m", rules: [RULE] },
    open() {
      const { world } = sceneOf(steady(20, 0));
      const hasEnded = (): boolean => Boolean((world.state() as { ended: unknown } | undefined)?.ended);
      return { world, effects: () => (hasEnded() ? 1 : 0) };
    },
  };

  it("keeps the contract of step kinds", async () => {
    await driveStep(stepCase);
  });

  it("comes to its end after an interruption at any of its calls", async () => {
    const report = await driveInterrupted(stepCase);
    expect(report.act).toBeGreaterThan(8);
    expect(report.parked).toBe(0);
  });
});
