import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { Execution } from "../../src/model/journal.ts";
import type { EndState } from "../../src/model/run.ts";
import { lastRollbackOf, readLock, unlock } from "../../src/store/locks.ts";
import { createRun, findRun, listEvents } from "../../src/store/runs.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const END: EndState = { verdict: "verified", reason: "", at: "2026-01-01T00:00:00.000Z" };
const LOCK = { release: "v2", stepId: "watch", reason: "8 % errors", hadTraffic: true };

async function taken(id: string, project: string, environment = "production"): Promise<Execution> {
  const plan = samplePlan({ project, environment: { ...samplePlan().environment, name: environment } });
  await createRun(state.pool, { id, plan, context: {}, startedBy: "mia" });
  const answer = await state.journal.takeLease(id, "worker");
  if (answer.state !== "taken") throw new Error("the environment is held");
  return { runId: id, token: answer.token };
}

const end = (execution: Execution, lock?: typeof LOCK): Promise<void> =>
  state.journal.endRun(execution, "rolled-back", END, {}, lock);

describe("the lock of an environment", () => {
  it("is set in the transaction that ends the run, for that environment of that project alone", async () => {
    await end(await taken("r1", "one"), LOCK);
    expect(await readLock(state.pool, "one", "production")).toMatchObject({
      environment: "production",
      runId: "r1",
      ...LOCK,
    });
    expect(await readLock(state.pool, "one", "staging")).toBeUndefined();
    expect(await readLock(state.pool, "other", "production")).toBeUndefined();
    await end(await taken("r2", "free"));
    expect(await readLock(state.pool, "free", "production")).toBeUndefined();
  });

  it("is not set when the run does not end, because another execution has it", async () => {
    const execution = await taken("r3", "fenced");
    await state.journal.takeLease("r3", "another");
    await expect(end(execution, LOCK)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await readLock(state.pool, "fenced", "production")).toBeUndefined();
    expect((await findRun(state.pool, "r3")).state).not.toBe("ended");
  });

  it("lets a run end that would lock what is locked", async () => {
    for (const id of ["r4", "r5"]) await end(await taken(id, "twice"), LOCK);
    expect((await readLock(state.pool, "twice", "production"))?.runId).toBe("r4");
    expect((await findRun(state.pool, "r5")).outcome).toBe("rolled-back");
  });

  it("is opened once, by a name and with a reason, which the log of its run has too", async () => {
    await end(await taken("r6", "opened"), LOCK);
    const lock = await readLock(state.pool, "opened", "production");
    const tries = await Promise.all(
      ["ann", "ben"].map((who) => unlock(state.pool, lock!, uncheckedActor(who), "the flag is off")),
    );
    expect(tries.filter(Boolean)).toHaveLength(1);
    const by = tries[0] === true ? "ann" : "ben";
    expect(await readLock(state.pool, "opened", "production")).toBeUndefined();
    const [last, before] = (await listEvents(state.pool, "r6", 0)).reverse();
    expect(before?.type).toBe("run.ended");
    expect(last).toMatchObject({
      type: "run.unlocked",
      actor: by,
      data: { environment: "production", reason: "the flag is off" },
    });
    expect(await lastRollbackOf(state.pool, "opened", "production", "v2")).toMatchObject({
      runId: "r6",
      unlocked: { by, reason: "the flag is off" },
    });
  });

  it("is remembered as a rollback of its release only where users had been sent to it", async () => {
    await end(await taken("r7", "unseen"), { ...LOCK, hadTraffic: false });
    expect(await lastRollbackOf(state.pool, "unseen", "production", "v2")).toBeUndefined();
    expect(await lastRollbackOf(state.pool, "one", "production", "v3")).toBeUndefined();
  });

  it("does not keep a worker of an older version, which knows no locks, from ending its run", async () => {
    const { runId, token } = await taken("r8", "older");
    await state.pool.query("select tminus.end_run($1, $2, $3, $4, $5)", [
      runId,
      token,
      "rolled-back",
      JSON.stringify(END),
      "{}",
    ]);
    expect((await findRun(state.pool, "r8")).outcome).toBe("rolled-back");
  });
});
