import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import { TminusError } from "../../src/errors.ts";
import { Redactor, Secret } from "../../src/lib/redact.ts";
import type { StepKind } from "../../src/model/step-kind.ts";
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

function execute(id: string, ports: EnginePorts): Promise<void> {
  return executeRun(id, ports, new AbortController().signal);
}

/** The world's ports with a step kind changed by a test. */
function portsWith(change: Partial<StepKind>): EnginePorts {
  const ports = world.ports();
  const kind = { ...ports.stepKind("scripted")!, ...change };
  return { ...ports, stepKind: (name) => (name === "scripted" ? kind : undefined) };
}

describe("secrets", () => {
  const PASSWORD = "hunter2-hunter2";

  /** Every row that the run left, as text. */
  async function everythingStored(id: string): Promise<string> {
    const events = await listEvents(state.pool, id, 0);
    const { rows } = await state.pool.query("select * from tminus.run where id = $1", [id]);
    return JSON.stringify([events, rows, await state.journal.attempts(id)]);
  }

  function knowingThePassword(change: Partial<StepKind>): EnginePorts {
    const redactor = new Redactor();
    redactor.add(new Secret(PASSWORD, "env:PASSWORD"));
    const ports = portsWith(change);
    return { ...ports, openEnvironment: async (id) => ({ ...(await ports.openEnvironment(id)), redactor }) };
  }

  it("in why a step failed reach neither the verdict nor any other row", async () => {
    const says = `cannot log in with ${PASSWORD}`;
    const ports = knowingThePassword({
      act: async () => {
        throw new Error(says);
      },
      undo: async () => ({ outcome: "failed", reason: says, result: { says } }),
    });
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id, ports);
    const run = await world.run(id);
    expect(run.verdict?.reason).toBe("cannot log in with ***");
    expect(await everythingStored(id)).not.toContain(PASSWORD);
  });

  it("in why nobody knows, and in the question about it, reach no row", async () => {
    const ports = knowingThePassword({
      observe: async () => ({ state: "unknown", reason: `${PASSWORD} was refused` }),
      act: async () => {
        throw new TminusError("TARGET_UNREACHABLE", `no answer to ${PASSWORD}`);
      },
    });
    const id = await world.start([[scriptedStep("a")]]);
    const executing = execute(id, ports);
    expect((await world.untilWaiting(id)).waitingFor?.text).toContain("*** was refused");
    await world.send(id, { kind: "resolve", stepId: "a", as: "failed", note: "" });
    await executing;
    expect(await everythingStored(id)).not.toContain(PASSWORD);
  });

  it("in what a step saw, or waits for, reach no row", async () => {
    const ports = knowingThePassword({
      observe: async (context) => {
        await context.waiting({ for: "time", text: `for ${PASSWORD}` }, async () => undefined);
        return { state: "done", reason: `${PASSWORD} works`, result: {} };
      },
    });
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id, ports);
    expect((await world.run(id)).outcome).toBe("succeeded");
    expect(await everythingStored(id)).not.toContain(PASSWORD);
  });
});

describe("a step whose world does not answer", () => {
  it("acts once for each time that a person says so, however often it is looked at", async () => {
    let acts = 0;
    const ports = portsWith({
      observe: async () => ({ state: "unknown", reason: "no answer" }),
      act: async () => {
        acts++;
        throw new TminusError("TARGET_UNREACHABLE", "no answer");
      },
    });
    const id = await world.start([[scriptedStep("a")]]);
    const executing = execute(id, ports);
    await world.untilWaiting(id);
    expect(acts).toBe(1);
    await world.send(id, { kind: "resolve", stepId: "a", as: "retry", note: "" });
    const asked = (type: string): boolean => type === "step.waiting";
    while ((await world.eventTypes(id)).filter(asked).length < 2) await ports.clock.sleep(10);
    expect(acts).toBe(2);
    await world.send(id, { kind: "resolve", stepId: "a", as: "failed", note: "" });
    await executing;
    expect(acts).toBe(2);
  });

  it("is not failed because its effect could not be verified just then", async () => {
    let looks = 0;
    const ports = portsWith({
      verify: async () =>
        looks++ === 0 ? { verdict: "unknown", reason: "no answer" } : { verdict: "pass", reason: "good" },
    });
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id, ports);
    expect((await world.run(id)).outcome).toBe("succeeded");
    expect(world.effects).toEqual(["act a"]);
  });
});

describe("what programs print", () => {
  it("may hold null characters and halves of characters", async () => {
    const odd = "a\0b \ud83d c";
    let acts = 0;
    const ports = portsWith({
      act: async (context) => {
        acts++;
        context.progress(odd);
        await context.evidence("output", odd);
        return { outcome: "done", reason: odd, result: { odd } };
      },
    });
    const id = await world.start([[scriptedStep("a", { undo: { how: "none-needed", text: "" } })]]);
    await execute(id, ports);
    expect((await world.run(id)).outcome).toBe("succeeded");
    expect(acts).toBe(1);
    expect((await state.journal.attempts(id))[0]?.reason).toBe("a\ufffdb \ufffd c");
  });

  it("may come in an error, which fails the step once", async () => {
    const ports = portsWith({
      act: async () => {
        throw new Error("a\0b");
      },
      undo: async () => ({ outcome: "done", reason: "a\0b", result: {} }),
    });
    const id = await world.start([[scriptedStep("a")]]);
    await execute(id, ports);
    expect((await world.run(id)).outcome).toBe("rolled-back");
  });
});
