import { afterAll, beforeAll, expect, it } from "vitest";
import { changesSinceApproval, planChanges } from "../../src/compose/changes-since-approval.ts";
import type { GateResult } from "../../src/model/plan.ts";
import { createRun, sendSignal } from "../../src/store/runs.ts";
import { scriptedStep } from "../support/engine.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const gate = (verdict: GateResult["verdict"]): GateResult => ({
  id: "clean",
  kind: "git.clean",
  title: "",
  verdict,
  reason: "",
  durationMs: 1,
});
const plan = (digest: string, ...summary: string[]) =>
  samplePlan({
    inputs: [{ name: "runbook", digest }],
    stages: [{ id: "go", title: "Go", risk: "low", success: [], steps: [scriptedStep("a", { summary })] }],
  });

it("names the inputs that moved, the verdicts of gates and what steps do no longer, or anew", () => {
  const before = { ...plan("one", "starts v2", "tells ops"), gates: [gate("pass")] };
  const now = { ...plan("two", "starts v2", "tells nobody"), gates: [gate("waived")] };
  expect(planChanges(before, now)).toEqual([
    "changed: runbook (was one, is two)",
    "no longer: gate clean: pass",
    "no longer: a: tells ops",
    "new: gate clean: waived",
    "new: a: tells nobody",
  ]);
  expect(planChanges(before, before)).toEqual(["something that the plan's words do not tell"]);
});

it("compares with the newest plan of the release that somebody approved for the environment", async () => {
  const create = async (id: string, made: ReturnType<typeof samplePlan>): Promise<void> =>
    createRun(state.pool, { id, plan: made, context: {}, startedBy: "mia" });
  const approve = (id: string, planHash: string): Promise<void> =>
    sendSignal(state.pool, id, "tom", { kind: "approve", stepId: "sign", planHash, note: "" });
  const [one, two] = [plan("one"), plan("two")];
  await create("r1", one);
  await create("r2", { ...plan("other"), release: "v3" });
  await create("r3", two);
  await create("r4", two);
  await approve("r2", "x");
  await approve("r3", two.hash);
  expect(await changesSinceApproval(state.pool, "r4")).toBeUndefined();
  await approve("r1", one.hash);
  expect(await changesSinceApproval(state.pool, "r4")).toMatchObject({
    runId: "r1",
    planHash: one.hash,
    by: "tom",
    changes: ["changed: runbook (was one, is two)"],
  });
});
