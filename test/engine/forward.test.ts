import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";
import { executeRun } from "../../src/engine/execute-run.ts";
import { listEvents, readLease } from "../../src/store/runs.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let world: EngineWorld;

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
});
afterEach(async () => {
  expect(await readLease(state.pool, world.project, "production")).toBeUndefined();
  world.close();
});

const never = (signal: AbortSignal): Promise<"done"> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });

/** Executes until the run waits for something, then dies as a worker does. */
async function dieWhileWaiting(id: string): Promise<void> {
  const stop = new AbortController();
  const dying = world.execute(id, stop.signal).catch(() => undefined);
  await world.untilWaiting(id);
  stop.abort(new Error("the worker died"));
  await dying;
}

describe("a hold", () => {
  it("that comes while a step waits for its time keeps the step from starting", async () => {
    const id = await world.start([[scriptedStep("zero"), scriptedStep("late", { offsetMs: 400 })]]);
    const executing = world.execute(id);
    expect((await world.untilWaiting(id)).waitingFor?.for).toBe("time");
    await world.send(id, { kind: "hold", note: "" });
    while (!(await world.eventTypes(id)).includes("run.held") && (await world.run(id)).state !== "ended")
      await systemClock.sleep(10);
    expect(world.effects).toEqual(["act zero"]);
    await world.send(id, { kind: "resume", note: "" });
    expect((await executing).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act zero", "act late"]);
  });

  it("that is lifted while no worker lives leaves nothing that says the run waits", async () => {
    let seen: unknown = "not acted";
    const id = await world.start([[scriptedStep("a")]]);
    world.scripts.a = {
      act: async () => {
        const { state: is, waitingFor } = await world.run(id);
        seen = [is, waitingFor];
        return "done" as const;
      },
    };
    await world.send(id, { kind: "hold", note: "" });
    await dieWhileWaiting(id);
    await world.send(id, { kind: "resume", note: "" });
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(seen).toEqual(["running", undefined]);
  });
});

describe("an answer", () => {
  it("given while no worker lives is taken by the next one", async () => {
    const stop = new AbortController();
    world.scripts.a = {
      act: async (signal) => {
        stop.abort(new Error("the worker died"));
        return never(signal);
      },
    };
    const id = await world.start([[scriptedStep("a")]]);
    await world.execute(id, stop.signal).catch(() => undefined);
    world.scripts.a = { observe: () => "unknown" };
    await dieWhileWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "a", as: "done", note: "I looked" });
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual([]);
  });
});

describe("a run that is stopped while it waits", () => {
  it("no longer says that it waits while it is rolled back", async () => {
    let seen: unknown = "not undone";
    const id = await world.start([[scriptedStep("a"), scriptedStep("b", { onFailure: "hold" })]]);
    world.scripts.b = { act: () => "failed" };
    world.scripts.a = {
      undo: () => {
        seen = world.run(id).then((run) => [run.state, run.waitingFor]);
        return "done";
      },
    };
    await dieWhileWaiting(id);
    await world.send(id, { kind: "rollback", note: "" });
    expect((await world.execute(id)).outcome).toBe("rolled-back");
    expect(await seen).toEqual(["rolling-back", undefined]);
  });
});

describe("a failure that is a person's word", () => {
  it("is decided by that person, also when the worker dies before it acts on it", async () => {
    world.scripts.b = { act: () => "failed", result: { decidedBy: "eve" } };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const ports = world.ports();
    const record: typeof ports.journal.record = async (execution, type, ...rest) => {
      if (type === "run.verdict") throw new Error("the worker died");
      return ports.journal.record(execution, type, ...rest);
    };
    const dying = { ...ports, journal: { ...ports.journal, record } };
    await expect(executeRun(id, dying, new AbortController().signal)).rejects.toThrow("died");
    expect(await world.execute(id)).toMatchObject({
      outcome: "rolled-back",
      verdict: { by: "eve", stepId: "b", reason: "act said failed" },
    });
  });
});

describe("a failure where nothing is rolled back automatically", () => {
  const rollback = { automatic: false, database: "keep", cureMs: 0 } as const;

  it("of a step asks a person, who may end it", async () => {
    world.scripts.a = { act: () => "failed" };
    const id = await world.start([[scriptedStep("a")]], { rollback });
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "a", as: "failed", note: "enough" });
    expect(await executing).toMatchObject({
      outcome: "rolled-back",
      verdict: { by: "tom", reason: "act said failed; tom: enough", stepId: "a" },
    });
  });

  it("of the end state asks a person too", async () => {
    world.patienceMs = 100;
    const id = await world.start([[scriptedStep("a")]], { rollback, endRelease: "v2" });
    const executing = world.execute(id);
    expect((await world.untilWaiting(id)).waitingFor?.text).toContain("the end state is contradicted");
    expect(world.effects).toEqual(["act a"]);
    await world.send(id, { kind: "resolve", stepId: "end-state", as: "failed", note: "" });
    expect((await executing).outcome).toBe("rolled-back");
  });
});

describe("a rollback asked for while the end state is looked at", () => {
  it("is not overtaken by success", async () => {
    const id = await world.start([[scriptedStep("a")]]);
    const ports = world.ports();
    let asked = false;
    const probe = async () => {
      if (!asked) {
        asked = true;
        await world.send(id, { kind: "rollback", note: "the phones ring" });
        await ports.clock.sleep(100);
      }
      return { state: "answered" as const, status: 200, release: undefined };
    };
    await executeRun(id, { ...ports, probe }, new AbortController().signal);
    expect(await world.run(id)).toMatchObject({ outcome: "rolled-back", verdict: { by: "tom" } });
    expect(world.effects).toEqual(["act a", "undo a"]);
  });
});

describe("a run that changed nothing", () => {
  it("is not contradicted by what others changed since it was planned", async () => {
    world.scripts.a = { act: () => "failed" };
    const target = createFakeTarget({ routes: [{ release: "v9", percent: 100 }] });
    const ports = world.ports();
    const id = await world.start([[scriptedStep("a", { undo: { how: "none-needed", text: "only reads" } })]]);
    const openEnvironment = async (run: string) => ({ ...(await ports.openEnvironment(run)), target });
    await executeRun(id, { ...ports, openEnvironment }, new AbortController().signal);
    expect(await world.run(id)).toMatchObject({ outcome: "failed", endState: { verdict: "verified" } });
  });
});

describe("an environment that cannot be opened", () => {
  it("is asked about, costs no new tokens, and can be put right", async () => {
    const id = await world.start([[scriptedStep("a")]]);
    const ports = world.ports();
    let isThere = false;
    const openEnvironment = async (run: string) => {
      if (!isThere) throw new Error("env:DATABASE_URL has no value here");
      return ports.openEnvironment(run);
    };
    const executing = executeRun(id, { ...ports, openEnvironment }, new AbortController().signal);
    expect((await world.untilWaiting(id)).waitingFor?.text).toContain("env:DATABASE_URL has no value here");
    isThere = true;
    await world.send(id, { kind: "resume", note: "" });
    await executing;
    expect(await world.run(id)).toMatchObject({ outcome: "succeeded" });
    expect((await listEvents(state.pool, id, 0)).filter(({ type }) => type === "run.taken")).toHaveLength(1);
  });

  it("does not keep a run that changed nothing from being aborted", async () => {
    const id = await world.start([[scriptedStep("a")]]);
    const openEnvironment = async (): Promise<never> => {
      throw new Error("env:DATABASE_URL has no value here");
    };
    const executing = executeRun(id, { ...world.ports(), openEnvironment }, new AbortController().signal);
    await world.untilWaiting(id);
    await world.send(id, { kind: "abort", note: "" });
    await executing;
    expect(await world.run(id)).toMatchObject({ outcome: "stopped", endState: { verdict: "unknown" } });
  });
});
