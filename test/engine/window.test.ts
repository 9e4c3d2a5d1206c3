import type { DeclaredFreeze } from "../../src/model/freeze.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { executeRun } from "../../src/engine/execute-run.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Run } from "../../src/model/run.ts";
import { declareFreeze, liftFreeze, openFreezes } from "../../src/store/freezes.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let world: EngineWorld;
let isOpen: boolean;
let stop: AbortController;
let executing: Promise<void>[];

beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());
beforeEach(() => {
  world = new EngineWorld(state);
  isOpen = true;
  stop = new AbortController();
  executing = [];
  world.calendar = {
    isEmergencyOn: async () => true,
    standing: async () => ({
      at: "2026-11-27T10:00:00.000Z",
      isOpen,
      text: isOpen ? "open" : "closed: window weekend; it opens on Monday",
      ...(isOpen ? {} : { reason: "window weekend" }),
      closedBy: [],
      zone: "UTC",
    }),
    freezesNow: async ({ environment }) =>
      (await openFreezes(state.pool, world.project, environment)).map(({ id, reason, until }) => ({
        id: `f${id}`,
        reason,
        until,
      })),
  };
});
afterEach(async () => {
  stop.abort(new Error("the test is over"));
  await Promise.allSettled(executing);
  world.close();
});

const start = (change: Partial<Plan> = {}, ...ids: string[]): Promise<string> =>
  world.start([(ids.length === 0 ? ["deploy"] : ids).map((id) => scriptedStep(id))], change);

function execute(id: string): Promise<void> {
  const done = executeRun(id, world.ports(), stop.signal);
  executing.push(done);
  return done;
}

const until = (id: string, check: (run: Run) => boolean): Promise<void> =>
  vi.waitFor(
    async () => {
      const run = await world.run(id);
      expect(check(run), JSON.stringify([run.state, run.waitingFor])).toBe(true);
    },
    { timeout: 20_000, interval: 20 },
  );
const isWaiting = ({ waitingFor }: Run): boolean => waitingFor !== undefined;
const change = (): Promise<DeclaredFreeze> => declareFreeze(state.pool, world.project, freeze(), "ann");
const freeze = (): { environment: string; reason: string; from: Date; until: Date } => ({
  environment: "production",
  reason: "incident 42",
  from: new Date(Date.now() - 1_000),
  until: new Date(Date.now() + 3_600_000),
});

/** Wakes what waits: that a freeze was lifted is told to every run. */
async function open(): Promise<void> {
  isOpen = true;
  const { id } = await declareFreeze(
    state.pool,
    world.project,
    { ...freeze(), environment: "elsewhere" },
    "ann",
  );
  await liftFreeze(state.pool, id, "ann", "wake");
}

describe("a deploy outside of the windows", { timeout: 60_000 }, () => {
  it("waits with its place and begins when they open; a later one stays behind it", async () => {
    isOpen = false;
    const first = await start();
    const second = await start({}, "other");
    const firstDone = execute(first);
    await until(first, isWaiting);
    const { state: was, waitingFor } = await world.run(first);
    expect([was, waitingFor]).toEqual([
      "queued",
      { for: "time", text: "a window: closed: window weekend; it opens on Monday" },
    ]);
    const secondDone = execute(second);
    await until(second, isWaiting);
    expect(world.effects).toEqual([]);
    await open();
    await firstDone;
    await secondDone;
    expect(world.effects).toEqual(["act deploy", "act other"]);
    expect((await world.run(first)).outcome).toBe("succeeded");
  });

  it("can be aborted while it waits", async () => {
    isOpen = false;
    const id = await start();
    const done = execute(id);
    await until(id, isWaiting);
    await world.send(id, { kind: "abort", note: "" });
    await done;
    expect((await world.run(id)).outcome).toBe("stopped");
    expect(world.effects).toEqual([]);
  });

  it("is passed by a run that goes back to an earlier release, which no window and no freeze keeps waiting", async () => {
    isOpen = false;
    await change();
    const deploy = await start();
    void execute(deploy);
    await until(deploy, isWaiting);
    const back = await start({ purpose: "rollback" }, "back");
    await execute(back);
    expect(world.effects).toEqual(["act back"]);
    expect((await world.run(deploy)).state).toBe("queued");
  });
});

describe("a freeze that begins while a run is under way", { timeout: 60_000 }, () => {
  /** Declares the freeze while the first step is at work, and waits until the run is held. */
  async function frozenAfter(
    ...ids: string[]
  ): Promise<{ id: string; freezeId: number; done: Promise<void> }> {
    let freezeId = 0;
    world.scripts.first = {
      act: async (): Promise<"done"> => {
        freezeId = (await change()).id;
        return "done";
      },
    };
    const id = await start({}, "first", ...ids);
    const done = execute(id);
    await until(id, ({ waitingFor }) => waitingFor?.text.includes("freeze") === true);
    return { id, freezeId, done };
  }

  it("lets the step at work finish and holds the next one until the freeze is lifted", async () => {
    const { id, freezeId, done } = await frozenAfter("second");
    expect(world.effects).toEqual(["act first"]);
    expect((await world.run(id)).waitingFor?.text).toBe(
      `second waits: freeze f${freezeId} (incident 42). It goes on by itself afterwards; to go on now: tminus resume ${id}`,
    );
    expect(await liftFreeze(state.pool, freezeId, "ann", "over")).toBe(true);
    await done;
    expect(world.effects).toEqual(["act first", "act second"]);
    expect((await world.run(id)).outcome).toBe("succeeded");
  });

  it("goes on through all of it when a person says so once, also after a restart", async () => {
    const { id } = await frozenAfter("second", "third");
    await world.send(id, { kind: "resume", note: "agreed with ann" });
    await vi.waitFor(() => expect(world.effects).toContain("act third"), { timeout: 20_000 });
    await Promise.all(executing);
    expect((await world.run(id)).outcome).toBe("succeeded");
  });

  it("counts what a person said while its worker was dead", async () => {
    const { id, done } = await frozenAfter("second");
    stop.abort(new Error("killed"));
    await done.catch(() => undefined);
    await world.send(id, { kind: "resume", note: "" });
    stop = new AbortController();
    await execute(id);
    expect(world.effects).toEqual(["act first", "act second"]);
  });

  it("is rolled back at once when a person says so", async () => {
    const { id, done } = await frozenAfter("second");
    await world.send(id, { kind: "rollback", note: "back" });
    await done;
    expect(world.effects).toEqual(["act first", "undo first"]);
    expect((await world.run(id)).outcome).toBe("rolled-back");
  });

  it("lets steps go on that change nothing", async () => {
    const scripted = world.ports().stepKind("scripted")!;
    world.kinds.looking = { ...scripted, kind: "looking", changesNothing: true };
    world.scripts.first = {
      act: async (): Promise<"done"> => {
        await change();
        return "done";
      },
    };
    const steps = [scriptedStep("first"), { ...scriptedStep("look"), kind: "looking" }, scriptedStep("last")];
    const id = await world.start([steps]);
    void execute(id);
    await until(id, ({ waitingFor }) => waitingFor?.text.startsWith("last waits: freeze") === true);
    expect(world.effects).toEqual(["act first", "act look"]);
    await world.send(id, { kind: "abort", note: "" });
  });
});
