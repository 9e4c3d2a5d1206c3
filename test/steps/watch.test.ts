import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { Reading, SignalSource } from "../../src/model/ports.ts";
import type { StepResult } from "../../src/model/step-kind.ts";
import { watch } from "../../src/steps/watch.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { createFakeClock, type FakeClock } from "../../src/testing/fake-clock.ts";
import {
  createFakeStepWorld,
  FAKE_STEP_ID,
  type FakeStepWorld,
  type Tap,
} from "../../src/testing/fake-step-context.ts";
import { counters } from "../watch/samples.ts";

const ERRORS = { id: "errors", signal: "errorRatePercent", above: 1, for: "2s", minRequests: 100 };

interface Scene {
  clock: FakeClock;
  world: FakeStepWorld;
  settings: JsonObject;
  run: (tap?: Tap) => Promise<StepResult>;
}

type Script = (seconds: number, scene: Scene) => Reading["state"] | { requests: number; errors: number };

/** A watch over a source that says what the script says for the seconds since the start. */
function sceneOf(settings: JsonObject, script: Script, environment: { url?: string } = {}): Scene {
  const clock = createFakeClock({ autoAdvance: true });
  const startMs = clock.now().getTime();
  const source: SignalSource = {
    name: "edge",
    async read() {
      const at = clock.now();
      const said = script((at.getTime() - startMs) / 1000, scene);
      if (typeof said === "string")
        return { state: said === "error" ? "error" : "no-data", at, reason: "it is gone" };
      return { state: "counters", at, releases: { v2: counters(said.requests, said.errors) } };
    },
  };
  const world = createFakeStepWorld({ clock, signals: { edge: source }, environment });
  const scene: Scene = {
    clock,
    world,
    settings: watch.schema.parse({ duration: "10s", rules: [ERRORS], ...settings }),
    run: async (tap) => watch.act(world.open(scene.settings, null, tap).context),
  };
  return scene;
}

const good: Script = (seconds) => ({ requests: Math.round(seconds * 100), errors: 0 });
const bad: Script = (seconds) => ({ requests: Math.round(seconds * 100), errors: Math.round(seconds * 3) });

function resolve(world: FakeStepWorld, as: "done" | "retry" | "failed", note = ""): void {
  world.send({ kind: "resolve", stepId: FAKE_STEP_ID, as, note }, "kim");
}

/** Does something once, at the first look at or after a second. */
function once(second: number, script: Script, action: (scene: Scene) => void): Script {
  let isDone = false;
  return (seconds, scene) => {
    if (!isDone && seconds >= second) {
      isDone = true;
      action(scene);
    }
    return script(seconds, scene);
  };
}

describe("watch", () => {
  it("passes at the end of the window when all was proven good, and not a second before", async () => {
    const { clock, world, run } = sceneOf({}, good);
    const started = clock.monotonicMs();
    const result = await run();
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass", unwatchedMs: 0 } });
    expect(result.reason).toBe(
      "watched for 10 s: errors: errors of the new release at the end 0 % (200 requests), never above 1 % for 2s",
    );
    expect(clock.monotonicMs() - started).toBe(10_000);
    expect(world.evidence.map(({ name }) => name)).toEqual(["samples.json"]);
  });

  it("fails with the numbers as soon as a rule is broken, with the samples as evidence", async () => {
    const { clock, world, run } = sceneOf({}, bad);
    const result = await run();
    expect(result).toMatchObject({ outcome: "failed", result: { verdict: "fail" } });
    expect(result.reason).toBe(
      "errors: errors of the new release 3 % (6 of 200 requests), above 1 % for 2.0 s",
    );
    expect(clock.monotonicMs()).toBeLessThanOrEqual(4000);
    const evidence = JSON.parse(world.evidence[0]!.content) as {
      recent: { rules: { errors: JsonObject } }[];
    };
    expect(evidence.recent.at(-1)?.rules.errors).toMatchObject({ state: "broken", value: 3, requests: 200 });
  });

  it("tells every rule's value at every tick", async () => {
    const { world, run } = sceneOf({ duration: "3s" }, good);
    await run();
    expect(world.progress).toHaveLength(4);
    expect(world.progress[2]).toBe("errors 0 % of 200 ok · 1.0 s left");
  });

  it("asks a person at the end without data, and does not end by itself", async () => {
    const script = once(
      30,
      () => "no-data",
      ({ world }) => resolve(world, "done", "checked by hand"),
    );
    const { world, run } = sceneOf({}, script);
    const result = await run();
    expect(world.waits).toHaveLength(1);
    expect(world.waits[0]).toMatchObject({ for: "decision" });
    expect(world.waits[0]!.text).toContain("nothing was seen for 10 s of 10 s (it is gone)");
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "accepted", acceptedBy: "kim" } });
    expect(result.reason).toMatch(/^not proven good: .*; accepted by kim: checked by hand$/);
  });

  it("fails at the end without data when the runbook says so", async () => {
    const { world, run } = sceneOf({ onUnknown: "fail" }, () => "error");
    expect(await run()).toMatchObject({ outcome: "failed", result: { verdict: "unknown" } });
    expect(world.waits).toEqual([]);
  });

  it("asks when a rule names a source that there is not", async () => {
    const script = once(20, good, ({ world }) => resolve(world, "failed"));
    const { world, run } = sceneOf(
      { rules: [ERRORS, { ...ERRORS, id: "other", source: "prometheus" }] },
      script,
    );
    expect(await run()).toMatchObject({ outcome: "failed" });
    expect(world.waits[0]!.text).toContain('there is no signal source "prometheus"');
  });

  it("holds on a rule that only asks, and goes on when a person accepts it", async () => {
    const script = once(6, bad, ({ world }) => resolve(world, "done", "known"));
    const { clock, world, run } = sceneOf({ rules: [{ ...ERRORS, onBreach: "hold" }] }, script);
    const result = await run();
    expect(world.waits[0]!.text).toContain("errors of the new release 3 %");
    expect(result).toMatchObject({
      outcome: "done",
      reason: "watched for 10 s: errors: broken, accepted by kim",
    });
    expect(clock.monotonicMs()).toBe(10_000);
  });

  it("rolls back for one rule while it waits for a person about another", async () => {
    const rules = [
      { ...ERRORS, id: "soft", onBreach: "hold" },
      { ...ERRORS, id: "hard", above: 20 },
    ];
    const script: Script = (seconds) => ({
      requests: seconds * 100,
      errors: seconds <= 20 ? seconds * 3 : seconds * 50,
    });
    const { world, run } = sceneOf({ rules }, script);
    const result = await run();
    expect(world.waits).toHaveLength(1);
    expect(result).toMatchObject({ outcome: "failed" });
    expect(result.reason).toMatch(/^hard: /);
  });

  it("fails when the person says so, and watches the whole window again when asked to", async () => {
    const failing = sceneOf(
      { rules: [{ ...ERRORS, onBreach: "hold" }] },
      once(6, bad, ({ world }) => resolve(world, "failed", "no")),
    );
    expect((await failing.run()).reason).toMatch(/judged as failed by kim: no$/);

    const script = once(
      15,
      (seconds) => (seconds < 16 ? "no-data" : good(seconds, again)),
      ({ world }) => resolve(world, "retry"),
    );
    const again = sceneOf({}, script);
    expect(await again.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(again.clock.monotonicMs()).toBeGreaterThanOrEqual(25_000);
  });

  it("does not take an answer to an earlier question for one to a later", async () => {
    const rules = [
      { ...ERRORS, onBreach: "hold" },
      { ...ERRORS, id: "second", above: 2, for: "8s", over: "2s", onBreach: "hold" },
    ];
    const first = once(5, bad, ({ world }) => {
      resolve(world, "done", "one");
      resolve(world, "done", "sent twice");
    });
    const script = once(30, first, ({ world }) => resolve(world, "failed", "two"));
    const { clock, world, run } = sceneOf({ duration: "20s", rules }, script);
    expect((await run()).reason).toMatch(/^second: .*failed by kim: two$/);
    expect(world.waits).toHaveLength(2);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(30_000);
  });

  it("ends promptly with the reason when it is aborted, also while it waits for a person", async () => {
    for (const second of [3, 20]) {
      let abort = (): void => undefined;
      const { world, settings } = sceneOf(
        {},
        once(
          second,
          () => "no-data",
          () => abort(),
        ),
      );
      const life = world.open(settings, null);
      abort = () => life.abort(new Error("stop now"));
      await expect(watch.act(life.context)).rejects.toThrow("stop now");
    }
  });

  it("reports a probe that stopped answering", async () => {
    let answers = 0;
    const server = createServer((_, response) => response.writeHead(++answers > 3 ? 503 : 200).end());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { run } = sceneOf({ rules: [], probes: [{ id: "health", path: "/health", failures: 2 }] }, good, {
      url,
    });
    const result = await run();
    await new Promise((closed) => server.close(closed));
    expect(result.reason).toBe(
      "health: GET /health did not answer as it must, 2 times in a row: answered 503",
    );
    expect(answers).toBe(5);
  });
});

describe("watch as a step kind", () => {
  const stepCase: StepCase = {
    kind: watch,
    with: { duration: "3s", rules: [ERRORS] },
    open() {
      const { world } = sceneOf({}, good);
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

describe("a watch that was interrupted", () => {
  /** Runs until the tap throws, each time from what the last life stored, and gives the last result. */
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

  it("goes on to the same end and the same verdict", async () => {
    const scene = sceneOf({}, good);
    const result = await runThroughCrashes(scene, 3, 100);
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(scene.clock.monotonicMs()).toBe(10_000);
  });

  it("finds a breach that began before the crash", async () => {
    const scene = sceneOf({}, bad);
    expect(await runThroughCrashes(scene, 1, 100)).toMatchObject({
      outcome: "failed",
      result: { verdict: "fail" },
    });
    expect(scene.clock.monotonicMs()).toBeLessThanOrEqual(5000);
  });

  it("does not pass when nobody looked for too long, and says for how long", async () => {
    const scene = sceneOf({ onUnknown: "fail" }, good);
    const result = await runThroughCrashes(scene, 1, 60_000);
    expect(result.reason).toContain("not proven good");
    expect(result.result).toMatchObject({ verdict: "unknown", unwatchedMs: 60_000 });
  });

  it("gives the same outcome again when it had ended, without looking", async () => {
    for (const script of [good, bad]) {
      const scene = sceneOf({}, script);
      const first = await scene.run();
      const endedMs = scene.clock.monotonicMs();
      expect(await scene.run()).toEqual(first);
      expect(scene.clock.monotonicMs() - endedMs).toBeLessThan(1000);
      const seen = await watch.observe(scene.world.open(scene.settings, null).context);
      expect(seen.state).toBe(first.outcome === "done" ? "done" : "absent");
    }
  });

  it("begins anew when a person had a failed watch repeated", async () => {
    let isFixed = false;
    const scene = sceneOf({}, (seconds, self) => (isFixed ? good(seconds, self) : bad(seconds, self)));
    expect(await scene.run()).toMatchObject({ outcome: "failed" });
    isFixed = true;
    resolve(scene.world, "retry");
    expect(await scene.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
  });

  it("takes an answer that came while it was down", async () => {
    const scene = sceneOf({}, () => "no-data");
    let waiting = 0;
    const crash: Tap = (boundary) => {
      if (scene.world.waits.length > 0 && boundary === "saveState:after" && ++waiting === 2)
        throw new Error("crash");
    };
    await expect(scene.run(crash)).rejects.toThrow("crash");
    resolve(scene.world, "done", "while it was down");
    expect((await scene.run()).reason).toMatch(/accepted by kim: while it was down$/);
  });
});

describe("the watch's settings", () => {
  const refused = (settings: JsonObject): string[] =>
    (watch.schema.safeParse({ duration: "10s", ...settings }).error?.issues ?? []).map((issue) =>
      issue.path.join("."),
    );

  it("accepts its own example", () => {
    expect(watch.schema.safeParse(parse(watch.example)).error).toBeUndefined();
  });

  it.each([
    ["no rule and no probe", {}, ["rules"]],
    ["an id used twice", { rules: [ERRORS], probes: [{ id: "errors", path: "/" }] }, ["probes.0.id"]],
    ["a rule that needs longer than the watch", { rules: [{ ...ERRORS, for: "11s" }] }, ["rules.0.for"]],
    ["a watch shorter than its interval", { every: "11s", rules: [ERRORS] }, ["duration"]],
    ["a watch longer than timers can wait", { duration: "30d", rules: [ERRORS] }, ["duration"]],
    ["looking all the time", { every: "10ms", rules: [ERRORS] }, ["every"]],
  ])("refuses %s", (_, settings, paths) => {
    expect(refused(settings as JsonObject)).toEqual(paths);
  });

  it("is forecast in sentences, with the time it may take to ask a person", () => {
    const world = createFakeStepWorld({ previousRelease: null });
    const settings = watch.schema.parse({
      duration: "5m",
      rules: [ERRORS, { ...ERRORS, id: "old", of: "previous" }],
    });
    const forecast = watch.plan(world.planInput(settings, null));
    expect(forecast).toMatchObject({ durationMs: 300_000, undo: { how: "none-needed" }, blocked: [] });
    expect(forecast.timeoutMs).toBeGreaterThan(24 * 3_600_000);
    expect(forecast.summary).toEqual([
      "watches for 5m, every 1s",
      "errors: rolls back when errors of the new release exceed 1 % for 2s, at 100 requests or more",
      "old: rolls back when errors of the previous release exceed 1 % for 2s, at 100 requests or more",
      "old: cannot be judged, there is no previous release; the watch will end as unknown",
      "asks a person when it ends without proof that all was good",
    ]);
  });
});
