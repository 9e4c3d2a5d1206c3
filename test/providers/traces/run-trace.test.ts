import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/model/json.ts";
import type { EventType, Run, RunEvent } from "../../../src/model/run.ts";
import { uncheckedActor } from "../../../src/model/actor.ts";
import { runTrace } from "../../../src/providers/traces/run-trace.ts";
import { samplePlan } from "../../support/state.ts";

const run: Run = {
  id: "r1",
  environment: "production",
  plan: samplePlan(),
  state: "ended",
  outcome: "rolled-back",
  createdAt: new Date(1000),
  createdBy: "mia",
  starter: uncheckedActor("mia"),
};

/** One a second, from the first on. */
function history(...lines: [type: EventType, data?: JsonObject, actor?: string][]): RunEvent[] {
  return lines.map(([type, data = {}, actor = "tminus"], index) => ({
    runId: "r1",
    sequence: index + 1,
    at: new Date((index + 1) * 1000),
    type,
    actor,
    data,
    hash: "",
  }));
}

function secondsOf({ startedAt, endedAt }: { startedAt: Date; endedAt: Date }): [number, number] {
  return [startedAt.getTime() / 1000, endedAt.getTime() / 1000];
}

const deploy = { stepId: "deploy", kind: "app.deploy", title: "Start it" };

describe("a run's trace", () => {
  it("has a span for each attempt at a step and at undoing it, with its own times", () => {
    const { run: root, tasks } = runTrace(
      run,
      history(
        ["run.created"],
        ["step.begun", deploy],
        ["step.progress", { stepId: "deploy", text: "started" }],
        ["step.failed", { stepId: "deploy", reason: "it crashed" }],
        ["step.begun", deploy],
        ["step.done", { stepId: "deploy", reason: "it runs" }],
        ["undo.begun", deploy],
        ["undo.done", { stepId: "deploy", reason: "it is stopped" }],
        ["run.ended"],
      ),
    );
    expect(secondsOf(root)).toEqual([1, 9]);
    expect(tasks.map((task) => [task.id, task.result, task.reason, ...secondsOf(task)])).toEqual([
      ["r1/deploy/act/1", "failed", "it crashed", 2, 4],
      ["r1/deploy/act/2", "done", "it runs", 5, 6],
      ["r1/deploy/undo/1", "done", "it is stopped", 7, 8],
    ]);
    expect(tasks.every(({ title, kind }) => title === "Start it" && kind === "app.deploy")).toBe(true);
    expect([...root.events, ...tasks.flatMap(({ events }) => events)]).toEqual([]);
  });

  it("says that an attempt was interrupted, which ends where the next one begins or the run ends", () => {
    const { tasks } = runTrace(
      run,
      history(["run.created"], ["step.begun", deploy], ["run.taken"], ["step.begun", deploy], ["run.ended"]),
    );
    expect(tasks.map((task) => [task.result, ...secondsOf(task)])).toEqual([
      ["interrupted", 2, 4],
      ["interrupted", 4, 5],
    ]);
  });

  it("has decisions as events: those about a step that is under way there, the others at the run", () => {
    const approve = {
      kind: "approve",
      stepId: "sure",
      note: "read it",
      saw: { gates: [] },
      by: { name: "ben" },
    };
    const { run: root, tasks } = runTrace(
      run,
      history(
        ["run.created"],
        ["step.begun", { stepId: "sure", kind: "approve", title: "Sure" }],
        ["step.waiting", { stepId: "sure", text: "an approval" }],
        ["signal.received", approve, "ben"],
        ["step.done", { stepId: "sure", reason: "ben approved" }],
        ["signal.received", { kind: "hold", note: "" }, "mia"],
        ["run.verdict", { decision: "stop", reason: "mia asked" }],
        ["run.ended"],
      ),
    );
    expect(tasks[0]!.events.map(({ name, actor }) => [name, actor])).toEqual([
      ["step.waiting", "tminus"],
      ["signal.received", "ben"],
    ]);
    expect(tasks[0]!.events[1]).toMatchObject({
      at: new Date(4000),
      data: { kind: "approve", note: "read it" },
    });
    expect(tasks[0]!.events[1]!.data).not.toHaveProperty("saw");
    expect(root.events.map(({ name }) => name)).toEqual(["signal.received", "run.verdict"]);
  });

  it("has the same ids whenever it is made, and others than another run's", () => {
    const events = history(["run.created"], ["step.begun", deploy], ["run.ended"]);
    const ids = (of: Run): string[] => {
      const { traceId, run: root, tasks } = runTrace(of, events);
      return [traceId, root.spanId, ...tasks.map(({ spanId }) => spanId)];
    };
    expect(ids(run)).toEqual(ids({ ...run }));
    expect(ids(run)[0]).toMatch(/^[0-9a-f]{32}$/);
    for (const spanId of ids(run).slice(1)) expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    const other = new Set(ids({ ...run, id: "r2" }));
    expect(ids(run).some((id) => other.has(id))).toBe(false);
  });
});
