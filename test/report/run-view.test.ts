import { describe, expect, it } from "vitest";
import { applyEvent, currentStep, newRunView, nextStep, stepsIn, viewOf } from "../../src/report/run-view.ts";
import {
  approved,
  beginning,
  eventsOf,
  rolledBack,
  sampleRun,
  succeeded,
  waitingForApproval,
} from "../cli/support/sample-run.ts";

function states(view: ReturnType<typeof viewOf>): Record<string, string> {
  return Object.fromEntries(stepsIn(view).map(({ id, state }) => [id, state]));
}

describe("the view of a run", () => {
  it("starts as queued with every step pending", () => {
    const view = newRunView(sampleRun());
    expect(view.state).toBe("queued");
    expect(new Set(Object.values(states(view)))).toEqual(new Set(["pending"]));
    expect(nextStep(view)?.id).toBe("migrate");
  });

  it("names the holder while it is queued, and forgets it once the run is taken", () => {
    const queued = eventsOf(beginning[0]!, [
      "run.queued",
      {
        holder: "rOTHER",
        holderRelease: "v9",
        holderPlan: "abcdef0123",
        holderBy: "ben",
        holderAge: "3m 00s",
      },
      1,
    ]);
    const view = viewOf(sampleRun(), queued);
    expect(view.queuedBehind).toMatchObject({ run: "rOTHER", release: "v9", by: "ben", age: "3m 00s" });
    applyEvent(view, { ...eventsOf(["run.taken", {}, 2])[0]!, sequence: 3 });
    expect(view.queuedBehind).toBeUndefined();
    expect(view.state).toBe("running");
  });

  it("shows what it waits for until the step goes on", () => {
    const view = viewOf(sampleRun(), eventsOf(...beginning, ...waitingForApproval));
    expect(view.state).toBe("waiting");
    expect(view.waitingFor).toMatchObject({ for: "approval", stepId: "ok" });
    expect(currentStep(view)?.state).toBe("waiting");
    const later = viewOf(sampleRun(), eventsOf(...beginning, ...waitingForApproval, ...approved));
    expect(later.waitingFor).toBeUndefined();
    expect(later.state).toBe("running");
    expect(later.said).toMatchObject([{ actor: "ben", kind: "approve", target: "ok", note: "looks good" }]);
  });

  it("stays held while it waits to be resumed", () => {
    const hold = eventsOf(
      ...beginning,
      ["run.held", { by: "ben" }, 5],
      ["step.waiting", { for: "decision", text: "held" }, 5],
    );
    expect(viewOf(sampleRun(), hold).state).toBe("held");
  });

  it("tells a rollback step by step with its verdict, what was kept and the end state", () => {
    const view = viewOf(
      sampleRun(),
      eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack),
    );
    expect(states(view)).toEqual({
      migrate: "kept",
      ok: "done",
      told: "done",
      deploy: "undone",
      canary: "undone",
      announce: "pending",
    });
    expect(view).toMatchObject({
      state: "ended",
      outcome: "rolled-back",
      verdict: { decision: "roll-back", by: "tminus", stepId: "canary" },
      cure: { verdict: "pass" },
      endState: { verdict: "verified", release: "v1" },
      kept: [{ stepId: "migrate" }],
    });
    expect(nextStep(view)).toBeUndefined();
  });

  it("changes nothing when an event comes twice or belongs to an unknown step", () => {
    const events = eventsOf(
      ...beginning,
      ["step.failed", { stepId: "nobody", reason: "x" }, 9],
      ...succeeded,
    );
    const once = viewOf(sampleRun(), events);
    expect(viewOf(sampleRun(), [...events, ...events])).toEqual(once);
  });

  it("counts that a run was taken over and forgets the question of the worker that died", () => {
    const events = eventsOf(...beginning, ...waitingForApproval, [
      "run.taken",
      { token: 2, worker: "w2" },
      30,
    ]);
    const view = viewOf(sampleRun(), events);
    expect(view.takes).toBe(2);
    expect(view.waitingFor).toBeUndefined();
    expect(view.state).toBe("running");
  });

  it("makes texts from outside safe to print", () => {
    const events = eventsOf(...beginning, [
      "step.failed",
      { stepId: "migrate", reason: "bad\u001b[2J\nthing" },
      9,
    ]);
    expect(stepsIn(viewOf(sampleRun(), events))[0]?.reason).toBe("bad thing");
  });
});
