import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { executeRun } from "../../src/engine/execute-run.ts";
import { readLease } from "../../src/store/runs.ts";
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

/** An act that does not end by itself. */
const never = (signal: AbortSignal): Promise<"done"> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });

describe("a run that goes well", () => {
  it("does every step once, in order, and ends verified with the environment free", async () => {
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")], [scriptedStep("c")]]);
    const run = await world.execute(id);
    expect(run).toMatchObject({ state: "ended", outcome: "succeeded", endState: { verdict: "verified" } });
    expect(world.effects).toEqual(["act a", "act b", "act c"]);
  });

  it("does nothing when it is executed again after its end", async () => {
    const id = await world.start([[scriptedStep("a")]]);
    await world.execute(id);
    const before = await world.eventTypes(id);
    await world.execute(id);
    expect(await world.eventTypes(id)).toEqual(before);
    expect(world.effects).toEqual(["act a"]);
  });

  it("adopts an effect that is already there instead of repeating it", async () => {
    world.scripts.a = { observe: () => "done" };
    const id = await world.start([[scriptedStep("a")]]);
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual([]);
    expect(await world.eventTypes(id)).toContain("step.observed");
  });

  it("starts a step after T-0 not before its offset", async () => {
    const id = await world.start([
      [
        scriptedStep("before", { offsetMs: -100 }),
        scriptedStep("zero"),
        scriptedStep("late", { offsetMs: 300 }),
      ],
    ]);
    const executing = world.execute(id);
    expect((await executing).outcome).toBe("succeeded");
    const run = await world.run(id);
    const late = (await state.journal.attempts(id)).find(({ stepId }) => stepId === "late");
    expect(late!.begunAt.getTime() - run.zeroAt!.getTime()).toBeGreaterThanOrEqual(300);
  });
});

describe("a run that fails", () => {
  it("journals the verdict first, then undoes what was begun, last first", async () => {
    world.scripts.c = { act: () => "failed", observe: () => "absent" };
    const id = await world.start([
      [scriptedStep("a"), scriptedStep("b"), scriptedStep("c"), scriptedStep("d")],
    ]);
    const run = await world.execute(id);
    expect(run).toMatchObject({
      outcome: "rolled-back",
      verdict: { decision: "roll-back", stepId: "c", by: "tminus" },
    });
    expect(world.effects).toEqual(["act a", "act b", "undo b", "undo a"]);
    const types = await world.eventTypes(id);
    expect(types.indexOf("run.verdict")).toBeLessThan(types.indexOf("undo.begun"));
    expect(types.at(-2)).toBe("run.cure");
  });

  it("ends as failed when nothing had been changed", async () => {
    world.scripts.a = { act: () => "failed" };
    const id = await world.start([[scriptedStep("a", { undo: { how: "none-needed", text: "only reads" } })]]);
    expect((await world.execute(id)).outcome).toBe("failed");
  });

  it("undoes the rest and says so when one compensation fails", async () => {
    world.scripts.b = { undo: () => "failed" };
    world.scripts.c = { act: () => "failed", observe: () => "absent" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b"), scriptedStep("c")]]);
    expect((await world.execute(id)).outcome).toBe("rollback-failed");
    expect(world.effects).toEqual(["act a", "act b", "undo a"]);
    expect((await world.eventTypes(id)).filter((type) => type === "undo.failed")).toHaveLength(4);
  });

  it("goes on undoing when the world does not answer at first, longer than when it refuses", async () => {
    let silent = 4;
    world.scripts.a = { undo: () => (silent-- > 0 ? "unreachable" : "done") };
    world.scripts.b = { act: () => "failed", observe: () => "absent" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    expect((await world.execute(id)).outcome).toBe("rolled-back");
    expect(world.effects).toEqual(["act a", "undo a"]);
    expect((await world.eventTypes(id)).filter((type) => type === "undo.failed")).toHaveLength(4);
  });

  it("counts a step that exceeds its time as failed", async () => {
    world.scripts.b = { act: never, observe: () => "absent" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b", { timeoutMs: 50 })]]);
    expect(await world.execute(id)).toMatchObject({
      outcome: "rolled-back",
      verdict: { reason: "did not finish within 0.05 s" },
    });
    expect(world.effects).toEqual(["act a", "undo a"]);
  });

  it("is not called rolled back when the service is not seen to be good afterwards", async () => {
    world.scripts.b = { act: () => "failed", observe: () => "absent" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const ports = world.ports();
    let probes = 0;
    const failing = {
      ...ports,
      probe: async () => ({
        state: "answered" as const,
        status: probes++ < 2 ? 502 : 200,
        release: undefined,
      }),
    };
    await executeRun(id, failing, new AbortController().signal);
    expect((await world.run(id)).outcome).toBe("rollback-failed");
  });
});

describe("a plan that went stale while its run was queued", () => {
  it("is not carried out, and what moved is named", async () => {
    world.inputs = [{ name: "migration ledger", digest: "two rows" }];
    const inputs = [
      { name: "runbook", digest: "as it was" },
      { name: "live traffic", digest: "v0 100 %" },
      { name: "migration ledger", digest: "one row" },
    ];
    const id = await world.start([[scriptedStep("a")]], { inputs });
    const run = await world.execute(id);
    expect(run).toMatchObject({ outcome: "failed", verdict: { decision: "fail", code: "PLAN_STALE" } });
    expect(run.verdict?.reason).toContain(
      "live traffic (was v0 100 %, is v1 100 %); migration ledger (was one row, is two rows)",
    );
    expect(world.effects).toEqual([]);
  });

  it("is carried out when nothing moved, and a rollback in any case", async () => {
    const inputs = [{ name: "live traffic", digest: "v1 100 %" }];
    expect((await world.execute(await world.start([[scriptedStep("a")]], { inputs }))).outcome).toBe(
      "succeeded",
    );
    const old = [{ name: "live traffic", digest: "v0 100 %" }];
    const back = await world.start([[scriptedStep("b")]], { inputs: old, purpose: "rollback" });
    expect((await world.execute(back)).outcome).toBe("succeeded");
  });
});

describe("what was there before a run", () => {
  it("is adopted, and left alone when the run is rolled back", async () => {
    world.effects.push("act a");
    world.scripts.b = { act: () => "failed" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    expect((await world.execute(id)).outcome).toBe("rolled-back");
    expect(world.effects).toEqual(["act a"]);
  });
});

describe("people", () => {
  it("abort a run: what was done is undone and the run counts as stopped", async () => {
    world.scripts.b = { act: never, observe: () => "absent" };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const executing = world.execute(id);
    while (!(await world.eventTypes(id)).includes("step.done")) await systemClock.sleep(5);
    await world.send(id, { kind: "abort", note: "wrong release" });
    expect(await executing).toMatchObject({
      outcome: "stopped",
      verdict: { by: "tom", reason: "wrong release" },
    });
    expect(world.effects).toEqual(["act a", "undo a"]);
  });

  it("hold a run between steps and resume it", async () => {
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    await world.send(id, { kind: "hold", note: "" });
    const executing = world.execute(id);
    expect((await world.untilWaiting(id)).waitingFor?.text).toContain("held by tom");
    expect(world.effects).toEqual([]);
    await world.send(id, { kind: "resume", note: "" });
    expect((await executing).outcome).toBe("succeeded");
  });

  it("decide about a failed step whose policy is hold", async () => {
    let tries = 0;
    world.scripts.a = { act: () => (tries++ === 0 ? "failed" : "done") };
    const id = await world.start([[scriptedStep("a", { onFailure: "hold" })]]);
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "a", as: "retry", note: "" });
    expect((await executing).outcome).toBe("succeeded");
    expect(tries).toBe(2);
  });

  it("abort a run that is still queued, without touching the environment", async () => {
    world.scripts.a = { act: never, observe: () => "absent" };
    const first = await world.start([[scriptedStep("a")]]);
    const second = await world.start([[scriptedStep("b")]]);
    const executing = [world.execute(first), world.execute(second)];
    while (!(await world.eventTypes(second)).includes("run.queued")) await systemClock.sleep(5);
    await world.send(second, { kind: "abort", note: "" });
    expect((await executing[1]!).outcome).toBe("stopped");
    expect((await world.run(first)).state).not.toBe("ended");
    await world.send(first, { kind: "abort", note: "" });
    await executing[0];
    expect(world.effects).toEqual([]);
  });
});

describe("an end state that cannot be found out", () => {
  it("is neither success nor failure: a person decides", async () => {
    for (const [word, outcome] of [
      ["done", "succeeded"],
      ["failed", "rolled-back"],
    ] as const) {
      world.effects.length = 0;
      const id = await world.start([[scriptedStep("a")]]);
      world.target.traffic = async () => ({ state: "unknown", reason: "the control socket is silent" });
      world.patienceMs = 0;
      const executing = world.execute(id);
      expect((await world.untilWaiting(id)).waitingFor).toMatchObject({
        for: "decision",
        stepId: "end-state",
      });
      Reflect.deleteProperty(world.target, "traffic");
      await world.send(id, { kind: "resolve", stepId: "end-state", as: word, note: "I looked" });
      expect((await executing).outcome).toBe(outcome);
    }
  });
});

describe("an error that nobody expected", () => {
  it("ends the execution, and is shown to a person when it comes again and again", async () => {
    const id = await world.start([[scriptedStep("a")]]);
    const failing = {
      ...world.ports(),
      probe: async () => {
        throw new Error("the resolver is on fire");
      },
    };
    const { signal } = new AbortController();
    for (let times = 1; times < 5; times++)
      await expect(executeRun(id, failing, signal)).rejects.toThrow("on fire");
    const fifth = executeRun(id, failing, signal).catch((error: unknown) => error);
    expect((await world.untilWaiting(id)).waitingFor).toMatchObject({ for: "decision", stepId: "run" });
    await world.send(id, { kind: "resolve", stepId: "run", as: "retry", note: "" });
    expect(await fifth).toBeInstanceOf(Error);
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act a"]);
  });
});

describe("a run that was interrupted", () => {
  /** Stops the execution, as a dying worker would, at the moment step `id` acts. */
  async function interruptAt(
    id: string,
    steps: string[],
    after: "before effect" | "after effect",
  ): Promise<string> {
    const stop = new AbortController();
    world.scripts[id] = {
      act: async (signal) => {
        if (after === "after effect") world.effects.push(`act ${id}`);
        stop.abort(new Error("the worker died"));
        return never(signal);
      },
    };
    const run = await world.start([steps.map((step) => scriptedStep(step))]);
    await expect(world.execute(run, stop.signal)).rejects.toThrow("the worker died");
    world.scripts[id] = {};
    return run;
  }

  it("looks before it acts again, and does not repeat an effect that is there", async () => {
    const id = await interruptAt("b", ["a", "b", "c"], "after effect");
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act a", "act b", "act c"]);
  });

  it("acts when the effect is certainly absent", async () => {
    const id = await interruptAt("b", ["a", "b", "c"], "before effect");
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act a", "act b", "act c"]);
  });

  it("parks for a person when nobody can tell, and takes their word", async () => {
    for (const [word, effects, outcome] of [
      ["done", ["act a", "act b", "act c"], "succeeded"],
      ["retry", ["act a", "act b", "act b", "act c"], "succeeded"],
      ["failed", ["act a", "act b", "undo b", "undo a"], "rolled-back"],
    ] as const) {
      world.effects.length = 0;
      const id = await interruptAt("b", ["a", "b", "c"], "after effect");
      world.scripts.b = { observe: () => "unknown" };
      const executing = world.execute(id);
      expect((await world.untilWaiting(id)).waitingFor).toMatchObject({ for: "decision", stepId: "b" });
      await world.send(id, { kind: "resolve", stepId: "b", as: word, note: "I looked" });
      expect((await executing).outcome).toBe(outcome);
      expect(world.effects.slice(0, effects.length)).toEqual(effects);
    }
  });

  it("remembers an answer that was given while no worker lived", async () => {
    const id = await interruptAt("b", ["a", "b"], "after effect");
    world.scripts.b = { observe: () => "unknown" };
    const stop = new AbortController();
    const asking = world.execute(id, stop.signal).catch(() => undefined);
    await world.untilWaiting(id);
    stop.abort(new Error("the worker died"));
    await asking;
    await world.send(id, { kind: "resolve", stepId: "b", as: "done", note: "" });
    expect((await world.execute(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act a", "act b"]);
  });

  it("finishes its rollback, and undoes nothing twice", async () => {
    const stop = new AbortController();
    world.scripts.c = { act: () => "failed", observe: () => "absent" };
    world.scripts.b = {
      undo: () => {
        stop.abort(new Error("the worker died"));
        return "done";
      },
    };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b"), scriptedStep("c")]]);
    await world.execute(id, stop.signal).catch(() => undefined);
    world.scripts.b = {};
    expect((await world.execute(id)).outcome).toBe("rolled-back");
    expect(world.effects).toEqual(["act a", "act b", "undo b", "undo a"]);
  });

  it("writes nothing once another execution has taken it over", async () => {
    let release = (): void => undefined;
    world.scripts.a = {
      act: () =>
        new Promise((resolve) => {
          release = () => resolve("done");
        }),
    };
    const id = await world.start([[scriptedStep("a"), scriptedStep("b")]]);
    const stale = world.execute(id).catch((error: unknown) => error);
    while (!(await world.eventTypes(id)).includes("step.begun")) await systemClock.sleep(5);
    world.scripts.a = { observe: () => "done" };
    expect((await world.execute(id)).outcome).toBe("succeeded");
    const before = await world.eventTypes(id);
    release();
    expect(await stale).toMatchObject({ code: "LEASE_LOST" });
    expect(await world.eventTypes(id)).toEqual(before);
    expect(world.effects.filter((effect) => effect === "act b")).toEqual(["act b"]);
  });
});
