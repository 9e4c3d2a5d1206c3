import { describe, expect, it } from "vitest";
import { appDeploy } from "../../src/steps/app-deploy.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { createFakeTarget, type FakeTargetOptions } from "../../src/testing/fake-target.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const v1 = [{ release: "v1", percent: 100 }];
const atOnce = { traffic: "none", warmRollback: false } as const;

function stepCase(options: FakeTargetOptions): StepCase {
  return {
    kind: appDeploy,
    with: {},
    open: () => {
      const target = createFakeTarget(options);
      const world = createFakeStepWorld({ target });
      return {
        world,
        effects: () => {
          const taken = target.routes().some(({ release }) => release === "v2") ? 1 : 0;
          const running = target.instances().filter(({ release }) => release === "v2").length;
          return options.capabilities?.traffic === "none" ? Math.max(taken, running) : running;
        },
      };
    },
  };
}

async function open(options: FakeTargetOptions) {
  const target = createFakeTarget(options);
  const world = createFakeStepWorld({ target });
  const facts = await appDeploy.gather!(world.planContext({}));
  const forecast = appDeploy.plan(world.planInput({}, facts));
  return { target, world, facts, forecast, ...world.open({}, facts) };
}

describe.each([
  ["that splits traffic", { routes: v1 }],
  ["that has never been deployed to", {}],
  ["that deploys at once", { routes: v1, capabilities: atOnce, releases: ["v2"] }],
] as [string, FakeTargetOptions][])("on a target %s", (_, options) => {
  it("keeps the contract of a step kind", async () => {
    await driveStep(stepCase(options));
  });

  it("starts the release exactly once wherever it is interrupted", async () => {
    const report = await driveInterrupted(stepCase(options));
    expect(report.act).toBeGreaterThanOrEqual(6);
    expect(report.undo).toBeGreaterThanOrEqual(2);
    expect(report.parked).toBe(0);
  });
});

it("leaves the traffic as it was", async () => {
  const { target, context } = await open({ routes: v1 });
  await appDeploy.act(context);
  expect(target.routes()).toEqual(v1);
});

it("retires what is neither live, nor previous, nor being deployed, before it starts anything", async () => {
  const { target, context } = await open({ routes: v1, warm: ["v0", "v2"] });
  await appDeploy.act(context);
  expect(target.changes).toEqual(["retire v0", "stage v2"]);
});

it("changes nothing when it is not known what is live", async () => {
  const { target, context } = await open({ routes: v1, warm: ["v0"] });
  target.failNext("traffic", "before", "TARGET_UNREACHABLE");
  await expect(appDeploy.act(context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  expect(target.changes).toEqual([]);
});

it("fails when the release does not become healthy, and does not know when the target is silent", async () => {
  const sick = await open({ routes: v1 });
  sick.target.setHealthy("v2", false);
  expect(await appDeploy.act(sick.context)).toMatchObject({
    outcome: "failed",
    result: { code: "TARGET_UNHEALTHY" },
  });
  const silent = await open({ routes: v1 });
  silent.target.failNext("stage", "after", "TARGET_UNREACHABLE");
  await expect(appDeploy.act(silent.context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  expect((await appDeploy.observe(silent.context)).state).toBe("done");
});

it("verifies by asking for health once more", async () => {
  const { target, context } = await open({ routes: v1 });
  await appDeploy.act(context);
  expect((await appDeploy.verify!(context, {})).verdict).toBe("pass");
  target.failNext("findStaged", "before", "TARGET_UNREACHABLE");
  expect((await appDeploy.verify!(context, {})).verdict).toBe("unknown");
  target.setHealthy("v2", false);
  expect((await appDeploy.verify!(context, {})).verdict).toBe("fail");
});

it("does not stop a release that has traffic", async () => {
  const { target, context } = await open({ routes: v1 });
  await appDeploy.act(context);
  await target.shift([{ release: "v2", percent: 100 }], context.fence, context.signal);
  expect(await appDeploy.undo!(context, undefined)).toMatchObject({
    outcome: "failed",
    result: { code: "TARGET_CONFLICT" },
  });
  expect(target.routes()).toEqual([{ release: "v2", percent: 100 }]);
});

describe("the plan", () => {
  it("depends on the release's files and on what is live", async () => {
    const { forecast } = await open({ routes: v1 });
    expect(forecast.inputs).toEqual([
      { name: "release files of v2", digest: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
      { name: "live release", digest: "v1 100 %" },
    ]);
  });

  it("is blocked when the release cannot be deployed", async () => {
    const { forecast } = await open({ routes: v1, releases: ["v1"] });
    expect(forecast.blocked).toEqual([{ reason: "there are no files of v2" }]);
  });

  it.each(["precheck", "traffic"] as const)("is blocked when %s gives no answer", async (verb) => {
    const target = createFakeTarget({ routes: v1 });
    target.failNext(verb, "before", "TARGET_UNREACHABLE");
    const world = createFakeStepWorld({ target });
    const facts = await appDeploy.gather!(world.planContext({}));
    expect(appDeploy.plan(world.planInput({}, facts)).blocked).toHaveLength(1);
  });

  it("says that everything goes at once where traffic cannot be split", async () => {
    const { forecast } = await open({ routes: v1, capabilities: atOnce });
    expect(forecast.summary[0]).toContain("takes all traffic at once");
    expect(forecast).toMatchObject({ risk: "high", undo: { how: "undo", text: "deploys v1 100 % again" } });
    expect((await open({ capabilities: atOnce })).forecast.undo.how).toBe("irreversible");
  });
});
