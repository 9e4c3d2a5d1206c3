import { expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { approve } from "../../src/steps/approve.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

function approval(world: FakeStepWorld, actor: string, planHash = "plan-hash"): void {
  world.send({ kind: "approve", stepId: "step", planHash, note: "looks good" }, actor);
}

function open(given: JsonObject = {}, isProtected = true) {
  const clock = createFakeClock();
  const world = createFakeStepWorld({ clock, startedBy: "ann", environment: { protected: isProtected } });
  return { clock, world, ...world.open(approve.schema.parse(given) as JsonObject, null) };
}

const stepCase: StepCase = {
  kind: approve,
  with: { count: 2 },
  observedAfterAct: "absent",
  open: () => {
    const { world } = open();
    approval(world, "bob");
    approval(world, "eve");
    return { world, effects: () => new Set(world.evidence.map(({ sha256 }) => sha256)).size };
  },
};

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("counts the same approvals again after an interruption", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ act: 7, parked: 0 });
});

it("counts different people, not the starter of a protected environment, and only for this plan", async () => {
  const { world, context } = open({ count: 2, from: ["ann", "bob", "eve"] });
  approval(world, "ann");
  approval(world, "bob", "another-hash");
  approval(world, "mallory");
  approval(world, "bob");
  approval(world, "Bob ");
  approval(world, "eve");
  expect(await approve.act(context)).toMatchObject({
    outcome: "done",
    reason: "approved by bob, eve",
    result: {
      approvals: [{ by: "bob", note: "looks good" }, { by: "eve" }],
      notCounted: [
        { by: "ann", reason: "they started the run" },
        { by: "bob", reason: "it was given for another plan" },
        { by: "mallory", reason: "they are not among those named" },
        { by: "Bob ", reason: "they have approved already" },
      ],
    },
  });
});

it("lets the starter approve where the environment is not protected", async () => {
  const { world, context } = open({}, false);
  approval(world, "ann");
  expect(await approve.act(context)).toMatchObject({ outcome: "done" });
});

it("fails on the first rejection, with its note", async () => {
  const { world, context } = open({ count: 2 });
  approval(world, "bob");
  world.send({ kind: "reject", stepId: "step", note: "not on a Friday" }, "eve");
  expect(await approve.act(context)).toMatchObject({
    outcome: "failed",
    reason: "rejected by eve: not on a Friday",
    result: { approvals: [{ by: "bob" }] },
  });
});

it("fails when the time is over", async () => {
  const { world, context, clock } = open({ count: 2, timeout: "30m" });
  const acting = approve.act(context);
  approval(world, "bob");
  await expect.poll(() => world.progress).toEqual(["1 of 2 approvals"]);
  clock.advance(30 * 60_000 + 1);
  expect(await acting).toMatchObject({ outcome: "failed", reason: "1 of 2 approvals within 30m 00s" });
});

it("does not answer to other signals", async () => {
  const { world, context, abort } = open();
  const acting = approve.act(context);
  acting.catch(() => undefined);
  world.send({ kind: "attest", stepId: "step", item: "x", note: "" }, "bob");
  world.send({ kind: "approve", stepId: "another", planHash: "plan-hash", note: "" }, "bob");
  await expect.poll(() => world.progress).toEqual(["0 of 1 approvals"]);
  abort(new Error("over"));
  await expect(acting).rejects.toThrow("over");
});

it("takes no list of people that is shorter than the count", () => {
  expect(approve.schema.safeParse({ count: 2, from: ["ann", "ANN"] }).success).toBe(false);
  expect(approve.schema.safeParse({ count: 2, from: ["ann", "bob"] }).success).toBe(true);
});
