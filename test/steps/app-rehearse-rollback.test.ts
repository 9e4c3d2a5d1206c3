import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appRehearseRollback } from "../../src/steps/app-rehearse-rollback.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Routes } from "../../src/steps/traffic.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../src/testing/fake-step-context.ts";
import { createFakeTarget, type FakeTarget, type FakeTargetOptions } from "../../src/testing/fake-target.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const V2: Routes = [{ release: "v2", percent: 100 }];
const V1: Routes = [{ release: "v1", percent: 100 }];
const CHECKS = { checks: [{ id: "work", path: "/work" }] };

let target: FakeTarget;
/** Releases that do not work with the schema as it is. */
let broken: string[] = [];
/** Which release was asked, in order. */
let asked: string[] = [];
const server = createServer((_, response) => {
  const release = target.routes()[0]!.release;
  asked.push(release);
  response.statusCode = broken.includes(release) ? 500 : 200;
  response.setHeader("x-tminus-release", release).end();
});
beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise((done) => server.close(done)));
beforeEach(() => {
  broken = [];
  asked = [];
});

function open(options: FakeTargetOptions = {}, more: FakeStepWorldOptions = {}) {
  target = createFakeTarget({ routes: V2, warm: ["v1"], ...options });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = createFakeStepWorld({
    ...more,
    target,
    environment: { name: "staging", url, ...more.environment },
  });
  const settings = appRehearseRollback.schema.parse(CHECKS) as JsonObject;
  const facts = { state: "seen", routes: V1 };
  const forecast = (trafficPercent = 100) =>
    appRehearseRollback.plan({ ...world.planInput(settings, facts), trafficPercent });
  return {
    world,
    forecast,
    again: () => world.open(settings, facts).context,
    ...world.open(settings, facts),
  };
}

function stepCase(options: FakeTargetOptions): StepCase {
  return {
    kind: appRehearseRollback,
    with: CHECKS,
    open: () => {
      const { world } = open(options);
      const effects = (): number => {
        if (JSON.stringify(target.routes()) !== JSON.stringify(V2)) return Number.NaN;
        return (world.state() as { outcome?: object } | undefined)?.outcome === undefined ? 0 : 1;
      };
      return { world, effects };
    },
  };
}

describe.each<[string, FakeTargetOptions]>([
  ["a release that still runs", {}],
  ["a release that has to be started", { warm: [] }],
  ["what a target without shares had before", { capabilities: { traffic: "none", warmRollback: false } }],
])("rehearsing to go back to %s", (_, options) => {
  it("keeps the contract of a step kind", async () => {
    await driveStep(stepCase(options));
  });

  it("ends with the new release live wherever it is interrupted", async () => {
    const { act, parked } = await driveInterrupted(stepCase(options));
    expect(parked).toBe(0);
    expect(act).toBeGreaterThanOrEqual(20);
  });
});

describe("a rehearsal of a rollback", () => {
  it("goes back, asks the old release, goes forward, and says how long each took", async () => {
    const zeroAt = new Date("2026-01-05T09:00:00Z");
    const trafficMovedAt = new Date("2026-01-05T09:00:07Z");
    const { world, context } = open({ warm: [] }, { zeroAt, trafficMovedAt });
    const { outcome, reason, result } = await appRehearseRollback.act(context);
    expect(outcome).toBe("done");
    expect(target.changes).toEqual(["stage v1", "shift v1=100", "shift v2=100", "unstage v1"]);
    expect(asked).toEqual(["v1"]);
    expect(result).toMatchObject({
      verdict: "pass",
      rehearsed: true,
      from: "v2",
      to: "v1",
      deployedMs: 7000,
    });
    expect(reason).toMatch(/^back to v1 in .+, where its check passed, and forward to v2 in /);
    const kept = world.evidence.find(({ name }) => name === "rehearsal.json");
    expect(result.evidence).toBe(kept?.sha256);
    expect(JSON.parse(kept!.content)).toMatchObject({
      rolledBackMs: result.rolledBackMs,
      smokedOld: { passed: 1 },
      rolledForwardMs: result.rolledForwardMs,
    });
  });

  it("fails with what it means when the old release does not work, with the new one live", async () => {
    const { context } = open();
    broken = ["v1"];
    const { outcome, reason, result } = await appRehearseRollback.act(context);
    expect({ outcome, reason }).toEqual({
      outcome: "failed",
      reason:
        "rolling back to v1 after these migrations would break: 1 of 1 checks failed: work answered 500, expected 200; traffic is v2 100 %",
    });
    expect(result).toEqual({ rehearsed: false, verdict: "fail" });
    expect(target.routes()).toEqual(V2);
  });

  it("fails with what it means when the old release does not even start", async () => {
    const { context } = open({ warm: [] });
    target.setHealthy("v1", false);
    const { outcome, reason } = await appRehearseRollback.act(context);
    expect({ outcome, reason }).toEqual({
      outcome: "failed",
      reason:
        "rolling back to v1 after these migrations would break: v1 did not become healthy; traffic is v2 100 %",
    });
    expect(target.routes()).toEqual(V2);
  });

  it("says exactly what is live when it cannot go forward again", async () => {
    const { context } = open();
    server.once("request", () => target.setHealthy("v2", false));
    const { outcome, reason } = await appRehearseRollback.act(context);
    expect(outcome).toBe("failed");
    expect(reason).toContain("v2: v2 did not become healthy; traffic is v1 100 %");
    expect(await appRehearseRollback.undo!(context, undefined)).toMatchObject({
      outcome: "failed",
      reason: "v2 did not become healthy; traffic is v1 100 %",
    });
  });

  it("does not move traffic that is not all its own", async () => {
    const routes = [
      { release: "v2", percent: 50 },
      { release: "v1", percent: 50 },
    ];
    const { context } = open({ routes, warm: [] });
    expect(await appRehearseRollback.act(context)).toMatchObject({
      outcome: "failed",
      reason: "only a release that has all traffic can be rehearsed to go back; traffic is v2 50 %, v1 50 %",
    });
    expect(target.changes).toEqual([]);
  });

  it.each([null, "v2"])("is none when what was live before is %s, and says so", async (previousRelease) => {
    const { context, forecast } = open({}, { previousRelease });
    expect(await appRehearseRollback.act(context)).toEqual({
      outcome: "done",
      reason: "there is no release before v2 to go back to: its rollback was not rehearsed",
      result: { verdict: "unknown", rehearsed: false },
    });
    expect(target.changes).toEqual([]);
    expect(forecast()).toMatchObject({
      summary: ["there is no release before v2: nothing can be rehearsed"],
      blocked: [],
    });
    expect(forecast().trafficPercent).toBeUndefined();
  });

  it("leaves open what it means when it is not known what is live", async () => {
    const { context } = open();
    target.failNext("traffic", "before", "TARGET_UNREACHABLE");
    expect(await appRehearseRollback.observe(context)).toMatchObject({ state: "unknown" });
    target.failNext("findRelease", "before", "TARGET_UNREACHABLE");
    await expect(appRehearseRollback.act(context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  });

  it("goes forward first when it was interrupted, and does not touch what somebody else made live", async () => {
    const { context, again } = open();
    target.failNext("shift", "after", "TARGET_UNREACHABLE");
    await expect(appRehearseRollback.act(context)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
    expect(target.routes()).toEqual(V1);
    expect(await appRehearseRollback.observe(again())).toMatchObject({ state: "absent" });
    expect((await appRehearseRollback.act(again())).outcome).toBe("done");
    expect(target.changes).toEqual(["shift v1=100", "shift v2=100", "shift v1=100", "shift v2=100"]);

    const other = open({ warm: ["v1", "v3"] });
    target.failNext("shift", "after", "TARGET_UNREACHABLE");
    await expect(appRehearseRollback.act(other.context)).rejects.toThrow();
    await target.shift([{ release: "v3", percent: 100 }], context.fence, context.signal);
    expect(await appRehearseRollback.act(other.again())).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("traffic is v3 100 %") as unknown,
    });
    await appRehearseRollback.undo!(other.again(), undefined);
    expect(target.routes()).toEqual([{ release: "v3", percent: 100 }]);
  });
});

describe("the plan of a rehearsal", () => {
  it("says what happens, and that it moves all traffic", () => {
    expect(open().forecast()).toMatchObject({
      summary: [
        "all traffic goes back to v1, while the schema stays as it is; asks it: work",
        "all traffic goes forward to v2 again",
      ],
      trafficPercent: 100,
      blocked: [],
    });
  });

  it("is blocked before the release has all traffic, and where the environment is protected", () => {
    expect(open().forecast(50).blocked).toEqual([
      {
        reason: "v2 has 50 % of the traffic when its rollback is to be rehearsed",
        fix: "put the step after the one that gives it all traffic",
      },
    ]);
    const production = open({}, { environment: { name: "production", protected: true } });
    expect(production.forecast().blocked).toMatchObject([
      { reason: expect.stringContaining("production is protected") as unknown },
    ]);
  });
});
