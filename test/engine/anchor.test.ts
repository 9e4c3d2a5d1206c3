import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NotificationChannel, NotificationMessage } from "../../src/model/ports.ts";
import { listEvents } from "../../src/store/runs.ts";
import { executeRun } from "../../src/engine/execute-run.ts";
import { EngineWorld, scriptedStep } from "../support/engine.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

interface Story {
  world: EngineWorld;
  told: NotificationMessage[];
  /** How many entries the project's log had each time that it was written down. */
  seen: number[];
}

function open(reason: string | undefined): Story {
  const world = new EngineWorld(state);
  const told: NotificationMessage[] = [];
  const seen: number[] = [];
  const channel: NotificationChannel = {
    id: "ops",
    kind: "webhook",
    send: async (message) => void told.push(message),
  };
  world.channels = { ops: channel };
  world.anchor = async () => {
    const { rows } = await state.pool.query<{ sequence: number }>(
      "select sequence from tminus.audit_head where project = $1",
      [world.project],
    );
    seen.push(rows[0]!.sequence);
    return reason;
  };
  return { world, told, seen };
}

async function reasons(id: string): Promise<unknown[]> {
  return (await listEvents(state.pool, id, 0)).flatMap(({ type, data }) =>
    type === "run.unanchored" ? [data.reason] : [],
  );
}

describe("the head of the project's log", () => {
  it("is written down outside after the end of a run, and after a verdict before that", async () => {
    const good = open(undefined);
    const id = await good.world.start([[scriptedStep("a")]]);
    expect((await good.world.execute(id)).outcome).toBe("succeeded");
    expect(good.seen).toEqual([2]);
    expect([good.told, await reasons(id)]).toEqual([[], []]);

    const bad = open(undefined);
    bad.world.scripts.b = { act: () => "failed" };
    const failed = await bad.world.start([[scriptedStep("a"), scriptedStep("b")]]);
    expect((await bad.world.execute(failed)).outcome).toBe("rolled-back");
    expect(bad.seen).toEqual([2, 4]);
    for (const { world } of [good, bad]) world.close();
  });

  it("does not change how a run ends when it cannot be written, which is in the logs and paged", async () => {
    const { world, told } = open("the file /x: no space left");
    world.scripts.a = { act: () => "failed" };
    const id = await world.start([[scriptedStep("before"), scriptedStep("a")]]);
    expect((await world.execute(id)).outcome).toBe("rolled-back");
    expect(await reasons(id)).toEqual(["the file /x: no space left", "the file /x: no space left"]);
    expect(told.map(({ title }) => title)).toEqual(
      [1, 2].map(() => `The history of ${world.project} could not be written down outside`),
    );
    expect(new Set(told.map(({ key }) => key)).size).toBe(2);
    const { rows } = await state.pool.query<{ type: string }>(
      "select type from tminus.audit_entry where project = $1 order by sequence",
      [world.project],
    );
    expect(rows.map(({ type }) => type)).toEqual([
      "run.created",
      "run.verdict",
      "anchor.failed",
      "run.ended",
      "environment.locked",
      "anchor.failed",
    ]);
    world.close();
  });

  it("does not keep a run from its end when the state does not answer for it", async () => {
    const { world } = open(undefined);
    world.anchor = () => Promise.reject(new Error("away"));
    const id = await world.start([[scriptedStep("a")]]);
    expect((await world.execute(id)).outcome).toBe("succeeded");
    world.close();
  });

  it("is written down by the next worker when the one that ended the run died before", async () => {
    const { world, seen } = open(undefined);
    const id = await world.start([[scriptedStep("a")]]);
    world.anchor = () => Promise.reject(new Error("killed"));
    await world.execute(id);
    world.anchor = async () => void seen.push(0);
    await executeRun(id, world.ports("another"), new AbortController().signal);
    expect(seen).toEqual([0]);
    world.close();
  });
});
