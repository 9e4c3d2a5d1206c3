import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EarlierStep } from "../../src/model/step-kind.ts";
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
afterEach(() => world.close());

describe("what a step is told of the others", () => {
  it("is what the journal has of them: state, reason, result, proofs", async () => {
    const seen: Record<string, EarlierStep | undefined> = {};
    let tries = 0;
    world.scripts.a = {
      act: async (_, { evidence }) => {
        await evidence("samples.json", `try ${++tries}`);
        return tries === 1 ? ("failed" as const) : ("done" as const);
      },
      result: { verdict: "pass" },
    };
    world.scripts.b = {
      act: async (_, { earlier }) => {
        for (const id of ["a", "b", "c", "d"]) seen[id] = await earlier(id);
        return "done" as const;
      },
    };
    const steps = [scriptedStep("a", { onFailure: "hold" }), scriptedStep("b"), scriptedStep("c")];
    const id = await world.start([steps]);
    const executing = world.execute(id);
    await world.untilWaiting(id);
    await world.send(id, { kind: "resolve", stepId: "a", as: "retry", note: "" });
    await executing;
    expect(seen.a).toMatchObject({
      kind: "scripted",
      state: "done",
      reason: "act said done",
      result: { from: "a", verdict: "pass" },
    });
    expect(seen.a?.endedAt).toBeInstanceOf(Date);
    expect(seen.a?.evidence).toEqual({ "samples.json": await state.journal.saveEvidence("try 2") });
    expect(seen.b).toMatchObject({ state: "begun" });
    expect(seen.c).toMatchObject({ state: "pending", result: {}, evidence: {} });
    expect(seen.d).toBeUndefined();
  });

  it("has the time of T-0, and of the last change of traffic by this run", async () => {
    const times: Record<string, [Date | undefined, Date | undefined]> = {};
    for (const id of ["a", "shift", "b"]) {
      world.scripts[id] = {
        act: (_, { zeroAt, trafficMovedAt }) => {
          times[id] = [zeroAt, trafficMovedAt];
          return "done" as const;
        },
      };
    }
    const steps = [
      scriptedStep("a", { offsetMs: -1000 }),
      scriptedStep("shift", { trafficPercent: 10 }),
      scriptedStep("b"),
    ];
    const id = await world.start([steps]);
    const run = await world.execute(id);
    expect(times.a).toEqual([run.zeroAt, undefined]);
    expect(times.shift).toEqual([run.zeroAt, undefined]);
    expect(times.b?.[1]?.getTime()).toBeGreaterThanOrEqual(run.zeroAt!.getTime());
  });
});
