import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../src/errors.ts";
import { uncheckedActor, type Actor } from "../../src/model/actor.ts";
import type { Journal } from "../../src/model/journal.ts";
import { listRuns } from "../../src/store/run-list.ts";
import { createRun, findRun, listEvents, readLease, sendSignal } from "../../src/store/runs.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

let state: TestState;
let journal: Journal;

beforeAll(async () => {
  state = await freshState();
  journal = state.journal;
});
afterAll(() => state.drop());

async function newRun(id: string, environment = id): Promise<string> {
  const plan = { ...samplePlan(), environment: { ...samplePlan().environment, name: environment } };
  await createRun(state.pool, { id, plan, context: {}, startedBy: "mia" });
  return id;
}

async function taken(id: string): Promise<{ runId: string; token: number }> {
  const answer = await journal.takeLease(id, "worker-1");
  if (answer.state !== "taken") throw new Error("the environment is held");
  return { runId: id, token: answer.token };
}

describe("journal", () => {
  it("gives every event a hash over the one before, which a reader can compute again", async () => {
    const execution = await taken(await newRun("chain"));
    await journal.record(
      execution,
      "run.started",
      { note: 'quotes " and \\ and ü and \u2028' },
      { started: true },
    );
    const { rows } = await state.pool.query(
      `select *, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as text_at
       from tminus.event where run_id = 'chain' order by sequence`,
    );
    expect(rows.map((row) => row.type)).toEqual(["run.created", "run.taken", "run.started"]);
    let previous = "";
    for (const row of rows) {
      const covered = [previous, row.sequence, row.text_at, row.type, row.actor, row.data];
      const text = `[${covered.map((item) => JSON.stringify(item)).join(", ")}]`;
      expect(createHash("sha256").update(text).digest("hex")).toBe(row.hash);
      previous = row.hash;
    }
  });

  it("refuses to mark or to end an attempt that the server has lost, so that nothing is done without an intent", async () => {
    const execution = await taken(await newRun("lost-attempt"));
    const number = await journal.beginAttempt(execution, "migrate", "act", {});
    await journal.markActed(execution, "migrate", "act", number);
    await state.pool.query("delete from tminus.attempt where run_id = 'lost-attempt'");
    const end = { stepId: "migrate", phase: "act", number, state: "done", reason: "", data: {} } as const;
    await expect(journal.markActed(execution, "migrate", "act", number)).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
    });
    await expect(journal.endAttempt(execution, { ...end, type: "step.done" })).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
    });
    const types = (await listEvents(state.pool, "lost-attempt", 0)).map(({ type }) => type);
    expect(types).toEqual(["run.created", "run.taken", "step.begun"]);
  });

  it("gives an environment to one run, and to the next in order of creation when it ends", async () => {
    await newRun("first", "shared");
    await newRun("second", "shared");
    await newRun("third", "shared");
    expect(await journal.takeLease("second", "w")).toEqual({ state: "held", holder: "first" });
    const first = await taken("first");
    expect(await journal.takeLease("third", "w")).toEqual({ state: "held", holder: "first" });
    await journal.endRun(first, "succeeded", { verdict: "verified", reason: "", at: "" }, {});
    expect(await journal.takeLease("third", "w")).toEqual({ state: "held", holder: "second" });
    expect((await readLease(state.pool, "sample", "shared"))?.runId).toBeUndefined();
    expect((await journal.takeLease("second", "w")).state).toBe("taken");
  });

  it("keeps the environments of two projects apart that share one server", async () => {
    const ours = await newRun("ours", "twin");
    const theirs = "theirs";
    const plan = {
      ...samplePlan(),
      project: "other",
      environment: { ...samplePlan().environment, name: "twin" },
    };
    await createRun(state.pool, { id: theirs, plan, context: {}, startedBy: "tom" });
    await taken(ours);
    await taken(theirs);
    expect((await readLease(state.pool, "sample", "twin"))?.runId).toBe(ours);
    expect((await readLease(state.pool, "other", "twin"))?.runId).toBe(theirs);
    expect((await findRun(state.pool, undefined, { project: "sample", environment: "twin" })).id).toBe(ours);
    expect((await listRuns(state.pool, { project: "other" }, 10)).map(({ id }) => id)).toEqual([theirs]);
    await expect(findRun(state.pool, theirs, { project: "sample" })).rejects.toSatisfy((error) =>
      hasCode(error, "RUN_UNKNOWN"),
    );
  });

  it("refuses every write of an execution whose run was taken again", async () => {
    const stale = await taken(await newRun("stale"));
    const current = await taken("stale");
    expect(current.token).toBeGreaterThan(stale.token);
    const writes = [
      () => journal.record(stale, "run.started", {}),
      () => journal.beginAttempt(stale, "s", "act", {}),
      () => journal.saveState(stale, "s", 1),
      () => journal.endRun(stale, "succeeded", { verdict: "verified", reason: "", at: "" }, {}),
      () =>
        journal.endAttempt(stale, {
          stepId: "s",
          phase: "act",
          number: 1,
          state: "done",
          reason: "",
          type: "step.done",
          data: {},
        }),
    ];
    const before = await listEvents(state.pool, "stale", 0);
    for (const write of writes)
      await expect(write()).rejects.toSatisfy((error) => hasCode(error, "LEASE_LOST"));
    expect(await journal.heartbeat(stale)).toBe(false);
    expect(await journal.heartbeat(current)).toBe(true);
    expect(await listEvents(state.pool, "stale", 0)).toEqual(before);
  });

  it("numbers the attempts of each step and phase", async () => {
    const execution = await taken(await newRun("numbers"));
    expect(await journal.beginAttempt(execution, "a", "act", {})).toBe(1);
    expect(await journal.beginAttempt(execution, "a", "act", {})).toBe(2);
    expect(await journal.beginAttempt(execution, "a", "undo", {})).toBe(1);
    await journal.endAttempt(execution, {
      stepId: "a",
      phase: "act",
      number: 2,
      state: "failed",
      reason: "no",
      result: { x: 1 },
      type: "step.failed",
      data: {},
    });
    const attempts = await journal.attempts("numbers");
    expect(attempts.map(({ number, phase, state: is, result }) => ({ number, phase, is, result }))).toEqual([
      { number: 1, phase: "act", is: "begun", result: undefined },
      { number: 2, phase: "act", is: "failed", result: { x: 1 } },
      { number: 1, phase: "undo", is: "begun", result: undefined },
    ]);
  });

  it("keeps of a run and of each signal how it was known who that was, also in their events", async () => {
    const ann: Actor = {
      name: "ann",
      checked: { by: "token", token: "t1" },
      kind: "agent",
      emails: ["ann@example.com"],
      roles: ["approver"],
    };
    const plan = samplePlan();
    await createRun(state.pool, { id: "known", plan, context: {}, startedBy: "ann", starter: ann });
    await sendSignal(state.pool, "known", "ann", { kind: "hold", note: "" }, ann);
    await sendSignal(state.pool, "known", "tom", { kind: "resume", note: "" });
    expect((await findRun(state.pool, "known")).starter).toEqual(ann);
    const signals = await journal.signals("known");
    expect(signals.map(({ identity }) => identity)).toEqual([ann, uncheckedActor("tom")]);
    const told = (await listEvents(state.pool, "known", 0)).map(({ data }) => data.by);
    const byToken = { name: "ann", checked: "token", token: "t1", kind: "agent", roles: ["approver"] };
    expect(told).toEqual([byToken, byToken, { name: "tom", checked: "none", kind: "unknown", roles: [] }]);
  });

  it("takes what was written before it was kept as a name that nobody has checked", async () => {
    await newRun("old");
    await sendSignal(state.pool, "old", "tom", { kind: "hold", note: "" });
    await state.pool.query("delete from tminus.run_starter where run_id = 'old'");
    await state.pool.query(
      "delete from tminus.signal_sender where signal_id in (select id from tminus.signal where run_id = 'old')",
    );
    expect((await findRun(state.pool, "old")).starter).toEqual(uncheckedActor("mia"));
    expect((await journal.signals("old"))[0]?.identity).toEqual(uncheckedActor("tom"));
  });

  it("appends signals in order and refuses them once the run has ended", async () => {
    const execution = await taken(await newRun("signals"));
    const heard = new Promise<void>((resolve) => journal.onSignal("signals", resolve));
    await sendSignal(state.pool, "signals", "tom", { kind: "hold", note: "" });
    await sendSignal(state.pool, "signals", "mia", { kind: "resume", note: "fine" });
    await heard;
    expect((await journal.signals("signals")).map(({ actor, body }) => [actor, body.kind])).toEqual([
      ["tom", "hold"],
      ["mia", "resume"],
    ]);
    await journal.endRun(execution, "stopped", { verdict: "verified", reason: "", at: "" }, {});
    await expect(sendSignal(state.pool, "signals", "tom", { kind: "hold", note: "" })).rejects.toSatisfy(
      (error) => hasCode(error, "RUN_ENDED"),
    );
  });

  it("ends a queued run without the environment, but not one that has taken it", async () => {
    await newRun("holder", "queue");
    await newRun("waiter", "queue");
    await taken("holder");
    await journal.endQueued("waiter", { reason: "abort" });
    expect((await findRun(state.pool, "waiter")).outcome).toBe("stopped");
    await journal.endQueued("holder", { reason: "abort" });
    expect((await findRun(state.pool, "holder")).state).not.toBe("ended");
  });

  it("finds runs by an unambiguous beginning, and the newest without one", async () => {
    await newRun("rxyz-one", "find");
    await newRun("rxyz-two", "find");
    expect((await findRun(state.pool, "rxyz-o")).id).toBe("rxyz-one");
    expect((await findRun(state.pool, undefined, { environment: "find" })).id).toBe("rxyz-two");
    expect((await listRuns(state.pool, { environment: "find" }, 10)).map(({ id }) => id)).toEqual([
      "rxyz-two",
      "rxyz-one",
    ]);
    for (const id of ["rxyz", "nothing"]) {
      await expect(findRun(state.pool, id)).rejects.toSatisfy((error) => hasCode(error, "RUN_UNKNOWN"));
    }
  });

  it("does not deadlock between heartbeats, records and the end of a run", async () => {
    const execution = await taken(await newRun("busy"));
    const work = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0 ? journal.heartbeat(execution) : journal.record(execution, "step.progress", { index }),
    );
    await Promise.all(work);
    await Promise.all([
      journal.endRun(execution, "succeeded", { verdict: "verified", reason: "", at: "" }, {}),
      journal.heartbeat(execution),
    ]);
    expect((await journal.run("busy")).state).toBe("ended");
  });

  it("lets nobody take, or end once more, a run that ended while it was queued", async () => {
    await newRun("front", "late");
    await newRun("gone", "late");
    const front = await taken("front");
    await journal.endQueued("gone", { reason: "abort" });
    await journal.endQueued("gone", { reason: "abort" });
    await expect(journal.takeLease("gone", "w")).rejects.toMatchObject({ code: "RUN_ENDED" });
    await journal.endRun(front, "succeeded", { verdict: "verified", reason: "", at: "" }, {});
    await expect(journal.takeLease("gone", "w")).rejects.toMatchObject({ code: "RUN_ENDED" });
    const types = (await listEvents(state.pool, "gone", 0)).map(({ type }) => type);
    expect(types).toEqual(["run.created", "run.ended"]);
  });

  it("no longer says, once a run is taken over, that it waits as the execution before did", async () => {
    const text = { for: "decision", text: "?" } as const;
    const execution = await taken(await newRun("waits"));
    await journal.record(execution, "step.waiting", {}, { state: "waiting", waitingFor: text });
    expect(await journal.run("waits")).toMatchObject({ state: "waiting", waitingFor: text });
    const next = await taken("waits");
    const run = await journal.run("waits");
    expect([run.state, run.waitingFor]).toEqual(["running", undefined]);
    await journal.endRun(next, "succeeded", { verdict: "verified", reason: "", at: "" }, {});
  });
});
