import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRun } from "../../src/store/runs.ts";
import { openClient, type Client } from "../../src/store/pool.ts";
import {
  countLiveWorkers,
  findSilentWorkers,
  liveWorkers,
  openReaper,
  reapDeadWorkers,
  registerWorker,
} from "../../src/store/workers.ts";
import { eventually } from "../support/processes.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

let state: TestState;
let watcher: Client;

beforeAll(async () => {
  state = await freshState();
  watcher = await openClient(state.url);
});
afterAll(async () => {
  await watcher.end();
  await state.drop();
});
beforeEach(async () => {
  await state.pool.query("delete from tminus.worker");
});

/** Ends the session that holds the worker's lock, as the death of its process would. */
async function cutOff(id: string): Promise<void> {
  await state.pool.query(
    `select pg_terminate_backend(l.pid) from pg_locks l join tminus.worker w on l.objid = w.lock_key::int::oid
     where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
       and w.id = $1`,
    [id],
  );
}

async function reaped(self: string): Promise<string[]> {
  const found: string[] = [];
  await reapDeadWorkers(watcher, self, async (id) => void found.push(id));
  return found;
}

describe("a worker", () => {
  it("counts as alive from its registration until its connection is gone, and hears of that", async () => {
    const registration = await registerWorker(state.url, "w1");
    expect(await liveWorkers(state.pool)).toMatchObject([{ id: "w1", pid: process.pid }]);
    expect(await reaped("other")).toEqual([]);
    await cutOff("w1");
    await eventually("it hears of its loss", () => registration.lost.aborted);
    expect(await countLiveWorkers(state.pool)).toBe(0);
    expect(await reaped("other")).toEqual(["w1"]);
    expect(await reaped("other")).toEqual([]);
  });

  it("that leaves by itself is dead for the others, has lost nothing, and may join again", async () => {
    const registration = await registerWorker(state.url, "w1");
    await registration.leave();
    await eventually("it is gone", async () => (await countLiveWorkers(state.pool)) === 0);
    expect(registration.lost.aborted).toBe(false);
    expect(await reaped("other")).toEqual(["w1"]);
    await registration.join();
    expect(await countLiveWorkers(state.pool)).toBe(1);
    await registration.leave();
    await registration.leave();
  });
});

describe("reaping", () => {
  it("leaves a dead worker to be found again when it could not be taken over", async () => {
    const registration = await registerWorker(state.url, "w1");
    await registration.leave();
    await eventually("it is gone", async () => (await countLiveWorkers(state.pool)) === 0);
    const failing = reapDeadWorkers(watcher, "other", async () => {
      throw new Error("not now");
    });
    await expect(failing).rejects.toThrow("not now");
    expect(await reaped("other")).toEqual(["w1"]);
  });

  it("is done by one peer at a time", async () => {
    const registration = await registerWorker(state.url, "w1");
    await registration.leave();
    await eventually("it is gone", async () => (await countLiveWorkers(state.pool)) === 0);
    const other = await openClient(state.url);
    try {
      let inside = "";
      await reapDeadWorkers(watcher, "a", async () => {
        await reapDeadWorkers(other, "b", async (id) => void (inside += id));
      });
      expect(inside).toBe("");
    } finally {
      await other.end();
    }
  });

  it("goes on with a new connection after its own was lost", async () => {
    const reaper = openReaper(state.url, "other");
    const registration = await registerWorker(state.url, "w1");
    await registration.leave();
    const found: string[] = [];
    const reap = (): Promise<void> => reaper.reap(async (id) => void found.push(id));
    const failing = reaper.reap(async () => {
      const sql =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_try_advisory_lock%' and pid <> pg_backend_pid()";
      await state.pool.query(sql);
    });
    await expect(failing).rejects.toThrow();
    await reap();
    expect(found).toEqual(["w1"]);
    await reaper.close();
  });
});

describe("a silent worker", () => {
  it("holds an environment and has not been heard of for the time given", async () => {
    const plan = samplePlan({ environment: { ...samplePlan().environment, name: "silent" } });
    await createRun(state.pool, { id: "silent", plan, context: {}, startedBy: "mia" });
    await state.journal.takeLease("silent", "w9");
    expect(await findSilentWorkers(state.pool, "me", 30_000)).toEqual([]);
    await state.pool.query(
      "update tminus.environment_lease set heartbeat_at = clock_timestamp() - interval '31 s' where run_id = 'silent'",
    );
    expect(await findSilentWorkers(state.pool, "me", 30_000)).toEqual(["w9"]);
    expect(await findSilentWorkers(state.pool, "w9", 30_000)).toEqual([]);
  });
});
