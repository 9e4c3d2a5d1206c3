import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { every, systemClock } from "../../src/lib/clock.ts";
import type { Schedule } from "../../src/model/plan.ts";
import type { Run } from "../../src/model/run.ts";
import { listEvents } from "../../src/store/runs.ts";
import { createFakeClock, type FakeClock } from "../../src/testing/fake-clock.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

const START = new Date("2026-12-01T14:00:00.000Z");
const HOUR = 3_600_000;
/** Heartbeats and pauses: they go by the real clock, with the real database. */
const UPKEEP_MS = 15_000;
const at = (hours: number): Schedule => ({
  zeroAt: new Date(START.getTime() + hours * HOUR).toISOString(),
  zone: "UTC",
});

let state: TestState;
let world: EngineWorld;
let clock: FakeClock;
/** Hours after the start at which each step acted. */
let acted: Record<string, number>;

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
  clock = createFakeClock({ start: START });
  world.clock = {
    now: () => clock.now(),
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: (ms, signal) => (ms < UPKEEP_MS ? systemClock : clock).sleep(ms, signal),
  };
  acted = {};
  for (const id of ["approve", "backup", "deploy", "check"]) script(id);
});
afterEach(() => world.close());

function script(id: string, outcome: "done" | "failed" = "done", takesHours = 0): void {
  world.scripts[id] = {
    act: () => {
      acted[id] = (clock.now().getTime() - START.getTime()) / HOUR;
      clock.advance(takesHours * HOUR);
      return outcome;
    },
  };
}

/** Lets the time go on whenever the run waits for a moment. */
function executed(id: string, executing = world.execute(id)): Promise<Run> {
  const stop = every(1, () => {
    if (clock.sleepers() > 0) clock.advance(60_000);
  });
  return executing.finally(stop);
}

const STEPS = [
  scriptedStep("approve"),
  scriptedStep("backup", { offsetMs: -3 * HOUR }),
  scriptedStep("deploy"),
  scriptedStep("check", { offsetMs: 2 * HOUR }),
];

async function late(id: string): Promise<unknown[]> {
  const events = await listEvents(state.pool, id, 0);
  return events.filter(({ type }) => type === "step.late").map(({ data }) => data);
}

describe("a run with a timeline", { timeout: 60_000 }, () => {
  it("that is scheduled begins no step before its moment, and those without one at once", async () => {
    const id = await world.start([STEPS], { scheduled: at(5) });
    const run = await executed(id);
    expect(run).toMatchObject({ outcome: "succeeded", zeroAt: new Date(at(5).zeroAt) });
    expect(acted.approve).toBe(0);
    expect(acted.backup).toBeGreaterThanOrEqual(2);
    expect(acted.deploy).toBeGreaterThanOrEqual(5);
    expect(acted.check).toBeGreaterThanOrEqual(7);
  });

  it("that is not scheduled takes the first offset for now", async () => {
    const id = await world.start([STEPS]);
    await executed(id);
    expect([acted.approve, acted.backup]).toEqual([0, 0]);
    expect(acted.deploy).toBeGreaterThanOrEqual(3);
    expect(acted.check).toBeGreaterThanOrEqual(5);
    expect((await world.run(id)).zeroAt).toEqual(new Date(at(3).zeroAt));
  });

  it("tells a step that begins after its moment, with by how much, and no other", async () => {
    script("backup", "done", 4);
    const id = await world.start([STEPS]);
    await executed(id);
    const [deploy, ...others] = await late(id);
    expect(others).toEqual([]);
    expect(deploy).toMatchObject({ stepId: "deploy", offsetMs: 0 });
    expect((deploy as { lateMs: number }).lateMs).toBeGreaterThanOrEqual(HOUR);
  });

  it("goes on with the same T-0 when its worker dies while it waits", async () => {
    const stop = new AbortController();
    const id = await world.start([STEPS]);
    const dying = world.execute(id, stop.signal).catch(() => undefined);
    expect((await world.untilWaiting(id)).waitingFor).toMatchObject({ for: "time", stepId: "deploy" });
    stop.abort(new Error("the worker died"));
    await dying;
    clock.advance(2 * HOUR);
    const run = await executed(id);
    expect([run.outcome, run.zeroAt]).toEqual(["succeeded", new Date(at(3).zeroAt)]);
    expect(acted.deploy).toBeGreaterThanOrEqual(3);
    expect(acted.deploy).toBeLessThan(5);
    expect(await late(id)).toEqual([]);
  });

  it("tells a step as late whose moment passed while no worker lived", async () => {
    const stop = new AbortController();
    const id = await world.start([STEPS]);
    const dying = world.execute(id, stop.signal).catch(() => undefined);
    await world.untilWaiting(id);
    stop.abort(new Error("the worker died"));
    await dying;
    clock.advance(4 * HOUR);
    await executed(id);
    expect(await late(id)).toMatchObject([{ stepId: "deploy" }]);
  });

  it("waits for no offset once it goes back", async () => {
    script("deploy", "failed");
    const id = await world.start([STEPS], { scheduled: at(4) });
    const run = await executed(id);
    expect(run.outcome).toBe("rolled-back");
    expect(acted.check).toBeUndefined();
    expect(clock.now().getTime()).toBeLessThan(Date.parse(at(6).zeroAt));
  });

  it("is aborted while it waits", async () => {
    const id = await world.start([STEPS], { scheduled: at(5) });
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await world.send(id, { kind: "abort", note: "" });
    expect((await executed(id, executing)).outcome).toBe("stopped");
    expect(acted.backup).toBeUndefined();
  });

  it("does not take its environment before the moment of its first step, and keeps its place", async () => {
    world.clock = systemClock;
    const zeroAt = new Date(Date.now() + 4_000).toISOString();
    const id = await world.start([[scriptedStep("deploy")]], { scheduled: { zeroAt, zone: "UTC" } });
    const executing = world.execute(id);
    const waiting = await world.untilWaiting(id);
    expect(waiting).toMatchObject({ state: "queued", waitingFor: { for: "time", until: zeroAt } });
    const { startedAt, outcome } = await executing;
    expect(outcome).toBe("succeeded");
    expect(startedAt!.getTime()).toBeGreaterThanOrEqual(Date.parse(zeroAt));
  });
});
