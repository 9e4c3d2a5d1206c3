import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { EnvironmentLock } from "../../src/model/lock.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Run } from "../../src/model/run.ts";
import { readLock } from "../../src/store/locks.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let world: EngineWorld;
let paged: string[];

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
  paged = [];
  world.channels.ops = {
    id: "ops",
    kind: "memory",
    send: async ({ title }) => void paged.push(title),
  };
  world.scripts.watch = { act: () => "failed", observe: () => "absent" };
});
afterEach(() => world.close());

/** Deploys, has all traffic, and fails in its watch. */
const steps = () => [
  scriptedStep("deploy"),
  scriptedStep("shift", { trafficPercent: 100 }),
  scriptedStep("watch"),
];

const start = (change: Partial<Plan> = {}): Promise<string> => world.start([steps()], change);
const lockNow = (): Promise<EnvironmentLock | undefined> => readLock(state.pool, world.project, "production");

async function deployed(change: Partial<Plan> = {}): Promise<Run> {
  return world.execute(await start(change));
}

describe("a run that is rolled back by itself", () => {
  it("locks its environment with the reason, its release and step", async () => {
    const run = await deployed();
    expect(run.outcome).toBe("rolled-back");
    expect(await lockNow()).toMatchObject({
      environment: "production",
      runId: run.id,
      release: "v2",
      stepId: "watch",
      reason: "act said failed",
      hadTraffic: true,
    });
  });

  it("locks it also when the rollback did not bring the service back, and says that", async () => {
    world.scripts.watch = {
      ...world.scripts.watch,
      cured: async () => ({ verdict: "fail", reason: "still 8 %" }),
    };
    expect((await deployed()).outcome).toBe("rollback-failed");
    expect((await lockNow())?.reason).toBe(
      "act said failed; rollback did not cure it, look elsewhere: still 8 %",
    );
  });

  it("locks it once, wherever its worker dies between the verdict and the end", async () => {
    const id = await start();
    const ports = world.ports();
    const die = (): Promise<never> => Promise.reject(new Error("the worker died"));
    const deaths = [
      {
        record: (...[execution, type, ...rest]: Parameters<typeof ports.journal.record>) =>
          type === "run.cure" ? die() : ports.journal.record(execution, type, ...rest),
      },
      { endRun: die },
      {
        endRun: async (...args: Parameters<typeof ports.journal.endRun>) => {
          await ports.journal.endRun(...args);
          return die();
        },
      },
    ];
    for (const death of deaths) {
      const dying = { ...ports, journal: { ...ports.journal, ...death } };
      expect(await lockNow()).toBeUndefined();
      await expect(executeRun(id, dying, new AbortController().signal)).rejects.toThrow();
    }
    await world.execute(id);
    const { rows } = await state.pool.query(
      "select count(*)::int as count from tminus.environment_lock where run_id = $1",
      [id],
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it.each<[string, (id: string) => Promise<void>]>([
    ["by a person's rollback", (id) => world.send(id, { kind: "rollback", note: "" })],
    [
      "by a person's answer",
      (id) => world.send(id, { kind: "resolve", stepId: "watch", as: "failed", note: "" }),
    ],
  ])("does not when it is rolled back %s", async (_, say) => {
    const id = await world.start([[...steps().slice(0, 2), scriptedStep("watch", { onFailure: "hold" })]]);
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await say(id);
    expect((await executing).outcome).toBe("rolled-back");
    expect(await lockNow()).toBeUndefined();
  });

  it("does not when nothing had to be undone, and not when it was a way back itself", async () => {
    const kept = { how: "none-needed", text: "only reads" } as const;
    const failed = await world.execute(await world.start([[scriptedStep("watch", { undo: kept })]]));
    expect(failed.outcome).toBe("failed");
    expect((await deployed({ purpose: "rollback" })).outcome).toBe("rolled-back");
    expect(await lockNow()).toBeUndefined();
  });
});

describe("a locked environment", () => {
  it("refuses a deploy that was queued when it was locked, which changes nothing", async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    world.scripts.watch = {
      observe: () => "absent",
      act: async () => {
        await held;
        return "failed" as const;
      },
    };
    const first = await start();
    const second = await start({ release: "v3" });
    const executing = [world.execute(first), world.execute(second)];
    while (!(await world.eventTypes(second)).includes("run.queued")) await systemClock.sleep(5);
    letGo();
    await executing[0];
    const effects = [...world.effects];
    const refused = await executing[1]!;
    expect(refused).toMatchObject({
      outcome: "failed",
      verdict: { decision: "fail", code: "ENVIRONMENT_LOCKED", by: "tminus" },
    });
    expect(refused.verdict?.reason).toMatch(
      new RegExp(`^production is locked since \\S+: run ${first} rolled v2 back by itself: act said failed$`),
    );
    expect(refused.startedAt).toBeUndefined();
    expect(world.effects).toEqual(effects);
    expect((await lockNow())?.runId).toBe(first);
  });

  it("lets a run go back, and a deploy in again once it is unlocked", async () => {
    await deployed();
    world.scripts.watch = {};
    expect((await deployed({ purpose: "rollback", release: "v1" })).outcome).toBe("succeeded");
    expect(await deployed({ release: "v3" })).toMatchObject({ verdict: { code: "ENVIRONMENT_LOCKED" } });
    expect(await world.unlock()).toBe(true);
    expect((await deployed({ release: "v3" })).outcome).toBe("succeeded");
  });

  it("does not stop a run that has begun", async () => {
    const id = await start({ release: "v3" });
    const stop = new AbortController();
    world.scripts.watch = {
      observe: () => "absent",
      act: async (signal) => {
        stop.abort(new Error("the worker died"));
        signal.throwIfAborted();
        return "done" as const;
      },
    };
    await expect(world.execute(id, stop.signal)).rejects.toThrow("died");
    await state.pool.query(
      `insert into tminus.environment_lock (project, environment, run_id, release, reason, had_traffic)
       values ($1, 'production', $2, 'v2', 'late', true)`,
      [world.project, id],
    );
    world.scripts.watch = {};
    expect((await world.execute(id)).outcome).toBe("succeeded");
  });
});

describe("the same release, when it fails for the second time with users on it", () => {
  async function again(change: Partial<Plan> = {}): Promise<{ id: string; executing: Promise<Run> }> {
    await deployed();
    expect(await world.unlock()).toBe(true);
    world.effects.length = 0;
    const id = await start(change);
    return { id, executing: world.execute(id) };
  }

  it("is not rolled back by itself: people are paged and asked", async () => {
    const { id, executing } = await again();
    const { waitingFor } = await world.untilWaiting(id);
    expect(waitingFor).toMatchObject({ for: "decision", stepId: "watch" });
    expect(waitingFor?.text).toContain("v2 was rolled back from production by itself before");
    expect(waitingFor?.text).toContain('ann unlocked it ("it was the provider")');
    expect(new Date(waitingFor!.until!).getTime()).toBeGreaterThan(Date.now());
    await expect.poll(() => paged).toEqual(["v2 fails again on production: decide"]);
    expect(world.effects).toEqual(["act deploy", "act shift"]);
    await world.send(id, { kind: "resolve", stepId: "watch", as: "failed", note: "it is us" });
    expect(await executing).toMatchObject({
      outcome: "rolled-back",
      verdict: { by: "tom", reason: "act said failed; tom: it is us" },
    });
    expect(await lockNow()).toBeUndefined();
  });

  it("stays when a person says so", async () => {
    const { id, executing } = await again();
    await world.untilWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "watch", as: "done", note: "the provider again" });
    expect((await executing).outcome).toBe("succeeded");
  });

  it("goes back when nobody answers in time, also when the worker dies meanwhile, and locks again", async () => {
    world.secondRollbackMs = 3_000;
    await deployed();
    expect(await world.unlock()).toBe(true);
    const id = await start();
    const stop = new AbortController();
    const dying = world.execute(id, stop.signal).catch(() => undefined);
    const { until } = (await world.untilWaiting(id)).waitingFor!;
    await expect.poll(() => world.eventTypes(id)).toContain("run.paged");
    stop.abort(new Error("the worker died"));
    await dying;
    const executing = world.execute(id);
    await expect.poll(async () => (await world.run(id)).waitingFor?.until).toBe(until);
    expect(await executing).toMatchObject({
      outcome: "rolled-back",
      verdict: { by: "tminus", reason: "act said failed; nobody answered within 3.0 s", stepId: "watch" },
    });
    expect((await lockNow())?.runId).toBe(id);
    expect(paged).toHaveLength(1);
  });

  it("is asked about too when the end state contradicts it", async () => {
    await deployed();
    expect(await world.unlock()).toBe(true);
    world.scripts.watch = {};
    world.patienceMs = 0;
    const id = await start({ endRelease: "v2" });
    const executing = world.execute(id);
    expect((await world.untilWaiting(id)).waitingFor).toMatchObject({ stepId: "end-state" });
    await world.send(id, { kind: "resolve", stepId: "end-state", as: "failed", note: "" });
    expect(await executing).toMatchObject({
      verdict: { by: "tom", reason: expect.stringContaining("; tom says that it failed") as unknown },
    });
  });

  it("is cleaned up by itself when it has no traffic yet, and when it had none the first time", async () => {
    const early = [
      scriptedStep("deploy"),
      scriptedStep("watch"),
      scriptedStep("shift", { trafficPercent: 100 }),
    ];
    for (let times = 0; times < 2; times++) {
      expect((await world.execute(await world.start([early]))).outcome).toBe("rolled-back");
      expect(await world.unlock()).toBe(true);
    }
    expect((await deployed()).outcome).toBe("rolled-back");
    expect(await world.unlock()).toBe(true);
    expect((await world.execute(await world.start([early]))).outcome).toBe("rolled-back");
    expect(paged).toEqual([]);
  });

  it("is another release under another name", async () => {
    await deployed();
    expect(await world.unlock()).toBe(true);
    expect((await deployed({ release: "v3" })).outcome).toBe("rolled-back");
  });
});
