import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
import { signOff } from "../../src/steps/sign-off.ts";
import { listEvents } from "../../src/store/runs.ts";
import { createFakeClock, type FakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeTarget, type FakeTarget } from "../../src/testing/fake-target.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

const HOUR_MS = 3_600_000;
const KILOBYTE = 1024;

let state: TestState;
let site: Server;
beforeAll(async () => {
  state = await freshState();
  site = createServer((_, response) => response.end("ok"));
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
});
afterAll(async () => {
  await new Promise((done) => site.close(done));
  await state.drop();
});

let world: EngineWorld;
let target: FakeTarget;
let clock: FakeClock;
beforeEach(() => {
  world = new EngineWorld(state);
  target = createFakeTarget({ routes: [{ release: "v2", percent: 100 }], warm: ["v1"] });
  clock = createFakeClock({ autoAdvance: true });
  world.target = target;
  world.url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterEach(() => world.close());

/** A sign-off on a clock that goes as fast as it can; the engine's own heartbeats stay real. `at` is done before each of its sleeps. */
async function begin(at: (hours: number) => Promise<void> | void): Promise<string> {
  const startMs = clock.now().getTime();
  const stepClock = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: async (ms: number, signal?: AbortSignal) => {
      await at((clock.now().getTime() - startMs) / HOUR_MS);
      await clock.sleep(ms, signal);
    },
  };
  const kind = signOff as StepKind;
  const onClock = <T extends { clock: typeof systemClock }>(context: T): T => ({
    ...context,
    clock: stepClock,
  });
  world.kinds = {
    "sign-off": {
      ...kind,
      act: (context) => kind.act({ ...onClock(context), zeroAt: undefined, trafficMovedAt: undefined }),
    },
  };
  const settings = signOff.schema.parse({ stable: "24h" }) as JsonObject;
  return world.start(
    [
      [
        scriptedStep("shift", { trafficPercent: 100 }),
        scriptedStep("signed", {
          kind: "sign-off",
          kindVersion: signOff.version,
          with: settings,
          timeoutMs: 30 * 24 * HOUR_MS,
          undo: { how: "none-needed", text: "only looks" },
        }),
      ],
    ],
    { environment: { name: "production", url: world.url, protected: false, targetKind: "fake" } },
  );
}

const fence = { environment: "production", token: 1 };
const makeLive = (release: string) =>
  target.shift([{ release, percent: 100 }], { ...fence, token: 1_000 }, new AbortController().signal);

it("looks at the end state all day, with little kept, and goes on after a restart", async () => {
  const stop = new AbortController();
  const id = await begin((hours) => {
    if (hours >= 7 && !stop.signal.aborted) stop.abort(new Error("the worker is stopped"));
  });
  await expect(executeRun(id, world.ports("worker-1"), stop.signal)).rejects.toThrow("stopped");
  expect((await world.run(id)).waitingFor).toMatchObject({
    for: "time",
    text: expect.stringMatching(/^stable for 24h; verified at \d\d:\d\d UTC$/) as unknown,
  });
  const before = clock.now().getTime();
  await executeRun(id, world.ports("worker-2"), new AbortController().signal);
  expect(await world.run(id)).toMatchObject({ outcome: "succeeded" });
  expect(clock.now().getTime() - before).toBeLessThanOrEqual(17 * HOUR_MS + 600_000);
  const events = await listEvents(state.pool, id, 0);
  const looks = events.filter(({ type, data }) => type === "step.waiting" && data.stepId === "signed");
  expect(looks.length).toBeGreaterThanOrEqual((24 * 60) / 5);
  expect(JSON.stringify(await state.journal.loadState(id, "signed")).length).toBeLessThan(2 * KILOBYTE);
}, 120_000);

it("asks a person about what somebody changed in the night, and rolls nothing back by itself", async () => {
  const id = await begin(async (hours) => {
    if (hours >= 5 && target.routes()[0]?.release === "v2") await makeLive("v1");
  });
  const running = executeRun(id, world.ports("worker-1"), new AbortController().signal);
  await expect
    .poll(async () => (await world.run(id)).waitingFor, { timeout: 60_000 })
    .toMatchObject({
      for: "decision",
      stepId: "signed",
      text: expect.stringContaining(
        "the end state differs: traffic is v1 100 %, and was v2 100 %",
      ) as unknown,
    });
  expect(world.effects).toEqual(["act shift"]);
  await world.send(id, { kind: "resolve", stepId: "signed", as: "failed", note: "who was that?" });
  await running;
  const run = await world.run(id);
  expect(run.verdict).toMatchObject({
    stepId: "signed",
    reason: expect.stringContaining("who was that?") as unknown,
  });
}, 120_000);
