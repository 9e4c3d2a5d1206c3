import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { Actor } from "../../src/model/actor.ts";
import { approve } from "../../src/steps/approve.ts";
import type { ApproveFacts } from "../../src/steps/approve/facts.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import {
  createFakeStepWorld,
  type FakeStepWorld,
  type FakeStepWorldOptions,
} from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

function approval(world: FakeStepWorld, actor: string, planHash = "plan-hash"): void {
  world.send({ kind: "approve", stepId: "step", planHash, note: "looks good" }, actor);
}

const FACTS: ApproveFacts = { hasUsers: false, authorship: null };

function open(given: JsonObject = {}, change: FakeStepWorldOptions = {}, facts: ApproveFacts = FACTS) {
  const clock = createFakeClock();
  const world = createFakeStepWorld({
    clock,
    startedBy: "ann",
    environment: { protected: true },
    ...change,
  });
  return { clock, world, ...world.open(approve.schema.parse(given) as JsonObject, facts) };
}

function known(name: string, change: Partial<Actor> = {}): Actor {
  const checked = { by: "password" } as const;
  return { name, checked, kind: "human", emails: [`${name}@example.com`], roles: ["approver"], ...change };
}

const stepCase: StepCase = {
  kind: approve,
  with: { count: 2, authors: "unknown-allowed" },
  observedAfterAct: "absent",
  open: () => {
    const { world } = open({ authors: "unknown-allowed" });
    approval(world, "bob");
    approval(world, "eve");
    return { world, effects: () => new Set(world.evidence.map(({ sha256 }) => sha256)).size };
  },
};

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("counts the same approvals again after an interruption", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ act: 11, parked: 0 });
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
  const { world, context } = open({}, { environment: { protected: false } });
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
    result: { approvals: [{ by: "bob" }], decidedBy: "eve" },
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

const USERS: ApproveFacts = {
  hasUsers: true,
  authorship: {
    range: "since v1",
    authors: { people: [{ name: "Bob", email: "bob@example.com" }] },
    migrationAuthors: { people: [] },
    configEditors: { unknown: "tminus.yaml has changes that are not committed" },
  },
};

it("counts checked people alone who have the role and no part in the release, and keeps what each of them saw", async () => {
  const { world, context } = open({ count: 2 }, { startedBy: known("ann") }, USERS);
  const saw = {
    at: "2026-11-21T10:00:00.000Z",
    gates: [{ id: "clean", verdict: "pass" }],
    summary: ["a: b"],
    changes: null,
  };
  const send = (actor: Actor) =>
    world.send({ kind: "approve", stepId: "step", planHash: "plan-hash", note: "", saw }, actor);
  send(known("ann", { checked: { by: "token", token: "t1" }, kind: "agent" }));
  send(known("bob"));
  send({ ...known("eve"), checked: { by: "none" } });
  send(known("kim", { roles: ["operator"] }));
  send(known("bot", { checked: { by: "token", token: "t2" }, kind: "agent" }));
  send(known("eve"));
  send(known("lee"));
  expect(await approve.act(context)).toMatchObject({
    outcome: "done",
    reason: "approved by eve, lee",
    result: {
      notCounted: [
        { by: "ann", how: "ann (agent, token t1)", reason: "they are an agent" },
        { by: "bob", reason: "they wrote commits of this release, as Bob <bob@example.com>" },
        { by: "eve", reason: "nobody has checked who they are" },
        { by: "kim", reason: "they act without the role approver" },
        { by: "bot", reason: "they are an agent" },
      ],
    },
  });
  expect(world.progress.at(1)).toBe(
    "0 of 2 approvals; that of bob does not count: they wrote commits of this release, as Bob <bob@example.com>",
  );
  const kept = JSON.parse(world.evidence.at(-1)!.content) as { given: unknown[] };
  expect(kept).toMatchObject({
    planHash: "plan-hash",
    startedBy: { name: "ann", checked: { by: "password" } },
    policy: { count: 2, roles: ["approver"], checked: true },
  });
  expect(kept.given.at(-1)).toEqual({
    by: known("lee"),
    at: expect.any(String) as unknown,
    planHash: "plan-hash",
    saw,
  });
});

it("lets approvals expire while it waits for others", async () => {
  const { world, context, clock } = open({ count: 2, expires: "1h" });
  const acting = approve.act(context);
  approval(world, "bob");
  await expect.poll(() => world.progress).toEqual(["1 of 2 approvals"]);
  clock.advance(61 * 60_000);
  approval(world, "eve");
  await expect.poll(() => world.progress).toEqual(["1 of 2 approvals", "1 of 2 approvals"]);
  approval(world, "bob");
  expect(await acting).toMatchObject({ outcome: "done", reason: "approved by eve, bob" });
});

it("counts nothing that was given before a newer plan of the release was started", async () => {
  const newerPlans = [{ runId: "r2", startedAt: new Date(8.64e15), hasEnded: true }];
  const { world, context, clock } = open({ timeout: "30m" }, { newerPlans });
  const acting = approve.act(context);
  approval(world, "bob");
  await expect.poll(() => world.progress.at(-1)).toContain("the plan is stale: run r2 has a newer one");
  clock.advance(30 * 60_000 + 1);
  expect(await acting).toMatchObject({ outcome: "failed" });
});

describe("its plan", () => {
  const planned = (given: JsonObject, facts: ApproveFacts, isProtected = true) => {
    const world = createFakeStepWorld({ environment: { protected: isProtected } });
    return approve.plan(world.planInput(approve.schema.parse(given) as JsonObject, facts) as never);
  };

  it("says who may approve and who may not, and is blocked by what is not known", () => {
    const { summary, blocked } = planned({ count: 2, expires: "4h" }, USERS);
    expect(summary).toEqual([
      "waits for 2 approvals of this plan",
      "may approve: anybody with the role approver who has signed in; approvals of agents do not count",
      "may not approve: the person who starts the run",
      "may not approve: who wrote commits since v1 (Bob <bob@example.com>)",
      "may not approve: who wrote migrations since v1 (nobody)",
      "who edited the runbook last is not known: tminus.yaml has changes that are not committed; nobody is kept from approving by it",
      "an approval expires after 4h 00m",
    ]);
    expect(blocked).toEqual([
      {
        reason:
          "who wrote the release, and so may not approve it, is not known: tminus.yaml has changes that are not committed",
        fix: expect.stringContaining("unknown-allowed") as unknown,
      },
    ]);
    expect(planned({ authors: "unknown-allowed" }, USERS).blocked).toEqual([]);
    expect(planned({ not: ["starter", "authors"] }, USERS).blocked).toEqual([]);
  });

  it("asks for nothing but a name where there are no users and nothing is protected", () => {
    expect(planned({}, FACTS, false).summary).toEqual([
      "waits for 1 approval of this plan",
      "may approve: anybody under any name, which nobody checks; approvals of agents do not count",
    ]);
  });

  it("is blocked when only users may approve and there are none", () => {
    expect(planned({ roles: ["approver"] }, FACTS, false).blocked[0]?.reason).toBe(
      "only users can approve, and there are none",
    );
    expect(planned({ checked: true }, FACTS, false).blocked).toHaveLength(1);
    expect(approve.schema.safeParse({ roles: ["admin"], checked: false }).success).toBe(false);
  });
});

it("takes no list of people that is shorter than the count", () => {
  expect(approve.schema.safeParse({ count: 2, from: ["ann", "ANN"] }).success).toBe(false);
  expect(approve.schema.safeParse({ count: 2, from: ["ann", "bob"] }).success).toBe(true);
});
