import { describe, expect, it } from "vitest";
import { appShift } from "../../src/steps/app-shift.ts";
import type { Routes } from "../../src/steps/traffic.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { createFakeTarget, type FakeTargetOptions } from "../../src/testing/fake-target.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const v1: Routes = [{ release: "v1", percent: 100 }];

async function open(options: FakeTargetOptions, percent = 10) {
  const target = createFakeTarget(options);
  const world = createFakeStepWorld({ target });
  const settings = { percent };
  const facts = await appShift.gather!(world.planContext(settings));
  const forecast = appShift.plan(world.planInput(settings, facts));
  return {
    target,
    world,
    forecast,
    again: () => world.open(settings, facts).context,
    ...world.open(settings, facts),
  };
}

function stepCase(percent: number, before: Routes): StepCase {
  return {
    kind: appShift,
    with: { percent },
    open: () => {
      const target = createFakeTarget({ routes: before, warm: ["v2"] });
      const isBefore = (): boolean => JSON.stringify(target.routes()) === JSON.stringify(before);
      const isAfter = (): boolean =>
        target.routes().find(({ release }) => release === "v2")?.percent === percent;
      return {
        world: createFakeStepWorld({ target }),
        effects: () => (isAfter() ? 1 : isBefore() ? 0 : Number.NaN),
      };
    },
  };
}

describe.each([
  ["a first share", 10, v1],
  [
    "a larger share",
    50,
    [
      { release: "v2", percent: 10 },
      { release: "v1", percent: 90 },
    ],
  ],
  [
    "everything",
    100,
    [
      { release: "v1", percent: 70 },
      { release: "v0", percent: 30 },
    ],
  ],
] as [string, number, Routes][])("giving %s", (_, percent, before) => {
  it("keeps the contract of a step kind", async () => {
    await driveStep(stepCase(percent, before));
  });

  it("ends with exactly the new shares, or undone with exactly the old ones, wherever it is interrupted", async () => {
    const report = await driveInterrupted(stepCase(percent, before));
    expect(report).toMatchObject({ act: 8, undo: 4, parked: 0 });
  });
});

it("keeps the proportion of what was live", async () => {
  const { target, context } = await open(
    {
      routes: [
        { release: "v1", percent: 75 },
        { release: "v0", percent: 25 },
      ],
      warm: ["v2"],
    },
    20,
  );
  expect(await appShift.act(context)).toMatchObject({
    outcome: "done",
    reason: "traffic is v2 20 %, v1 60 %, v0 20 %",
  });
  expect(target.routes()).toEqual([
    { release: "v2", percent: 20 },
    { release: "v1", percent: 60 },
    { release: "v0", percent: 20 },
  ]);
});

describe("a first deployment", () => {
  it("gets everything, whatever the share", async () => {
    const { target, context, forecast } = await open({ warm: ["v2"] });
    expect(forecast).toMatchObject({ summary: ["traffic becomes v2 100 %"], undo: { how: "irreversible" } });
    await appShift.act(context);
    expect(target.routes()).toEqual([{ release: "v2", percent: 100 }]);
    expect((await appShift.observe(context)).state).toBe("done");
  });

  it("cannot be undone, says so, and leaves the traffic", async () => {
    const { target, context } = await open({ warm: ["v2"] });
    const { result } = await appShift.act(context);
    expect(await appShift.undo!(context, result)).toMatchObject({
      outcome: "failed",
      reason: "there is no earlier release to go back to: v2 100 % keeps the traffic",
    });
    expect(target.routes()).toEqual([{ release: "v2", percent: 100 }]);
  });

  it("has nothing to undo when the shift did not come about", async () => {
    const { context, target } = await open({ warm: ["v2"] });
    target.failNext("shift", "before", "TARGET_UNREACHABLE");
    await expect(appShift.act(context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
    expect(await appShift.undo!(context, undefined)).toMatchObject({ outcome: "done" });
  });
});

it("restores what was there before its first attempt, not what a later attempt found", async () => {
  const { target, context, again } = await open({ routes: v1, warm: ["v2"] });
  target.failNext("shift", "after", "TARGET_UNREACHABLE");
  await expect(appShift.act(context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  await appShift.act(again());
  expect(await appShift.undo!(again(), undefined)).toMatchObject({
    outcome: "done",
    reason: "traffic is v1 100 %",
  });
  expect(target.routes()).toEqual(v1);
});

it("goes back by its result when its state is gone, and does not claim success without either", async () => {
  const options = { routes: v1, warm: ["v2"] };
  const first = await open(options);
  const { result } = await appShift.act(first.context);
  const context = { ...first.again(), loadState: async () => undefined };
  expect(await appShift.undo!(context, undefined)).toMatchObject({
    outcome: "failed",
    reason: "traffic is v2 10 %, v1 90 %, and it was not recorded what it was before",
  });
  expect(await appShift.undo!(context, result)).toMatchObject({ outcome: "done" });
  expect(first.target.routes()).toEqual(v1);
});

it("fails when the release is not running, and does not know when the target is silent", async () => {
  const refused = await open({ routes: v1 });
  expect(await appShift.act(refused.context)).toMatchObject({
    outcome: "failed",
    reason: "v2 is not running and healthy",
  });
  const silent = await open({ routes: v1, warm: ["v2"] });
  silent.target.failNext("traffic", "before", "TARGET_UNREACHABLE");
  await expect(appShift.act(silent.context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  expect(silent.target.changes).toEqual([]);
});

it("is refused by the target when its fencing token is old", async () => {
  const { target, context } = await open({ routes: v1, warm: ["v2"] });
  await target.shift(v1, { environment: "production", token: 2 }, context.signal);
  expect(await appShift.act(context)).toMatchObject({
    outcome: "failed",
    reason: "the fencing token 1 is older than 2",
  });
  expect(target.routes()).toEqual(v1);
});

it("does not vouch for traffic that somebody changed, or that it cannot see", async () => {
  const { target, context } = await open({ routes: v1, warm: ["v2"] });
  const { result } = await appShift.act(context);
  target.failNext("traffic", "before", "TARGET_UNREACHABLE");
  expect((await appShift.verify!(context, result)).verdict).toBe("unknown");
  target.failNext("traffic", "before", "TARGET_UNREACHABLE");
  expect((await appShift.observe(context)).state).toBe("unknown");
  await target.shift(v1, context.fence, context.signal);
  expect((await appShift.verify!(context, result)).verdict).toBe("fail");
});

it("cannot be planned where traffic cannot be split, unless it takes everything", async () => {
  const options = { routes: v1, capabilities: { traffic: "none", warmRollback: false } } as const;
  expect((await open({ ...options, routes: [...v1] })).forecast.blocked).toEqual([
    { reason: "this target cannot split traffic", fix: "set percent: 100, or leave the step out" },
  ]);
  expect((await open({ ...options, routes: [...v1] }, 100)).forecast.blocked).toEqual([]);
});

it("says in the plan what undo does", async () => {
  const { forecast } = await open({ routes: v1 });
  expect(forecast.undo).toEqual({ how: "undo", text: "traffic back to v1 100 % at once" });
  expect(forecast.inputs).toEqual([{ name: "live release", digest: "v1 100 %" }]);
});
