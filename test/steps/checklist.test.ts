import { expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { checklist } from "../../src/steps/checklist.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const settings = {
  items: [
    { id: "support", text: "Support knows", owner: "lena" },
    { id: "docs", text: "The documentation is ready" },
    { id: "cake", text: "There is cake", required: false },
  ],
};

function attest(world: FakeStepWorld, item: string, actor: string, note = "", at?: Date): void {
  world.send({ kind: "attest", stepId: "step", item, note }, actor, at);
}

function open(given: JsonObject = settings) {
  const clock = createFakeClock();
  const world = createFakeStepWorld({ clock });
  return { clock, world, ...world.open(checklist.schema.parse(given) as JsonObject, null) };
}

const stepCase: StepCase = {
  kind: checklist,
  with: settings,
  observedAfterAct: "absent",
  open: () => {
    const { world } = open();
    attest(world, "support", "lena", "told them");
    attest(world, "docs", "max");
    return { world, effects: () => new Set(world.evidence.map(({ sha256 }) => sha256)).size };
  },
};

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("counts the same attestations again after an interruption", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ act: 7, parked: 0 });
});

it("waits until the last required item is attested, and records who, when and the note", async () => {
  const { world, context } = open();
  const acting = checklist.act(context);
  attest(world, "docs", "max", "see the wiki");
  await expect.poll(() => world.progress).toEqual(["waits for support"]);
  expect(world.waits[0]).toMatchObject({
    for: "attestation",
    text: expect.stringContaining("cake: There is cake (optional)") as unknown,
  });
  attest(world, "support", "lena");
  expect(await acting).toEqual({
    outcome: "done",
    reason: "attested by max, lena",
    result: {
      attested: [
        {
          item: "docs",
          text: "The documentation is ready",
          by: "max",
          at: "2026-01-05T10:00:00.000Z",
          note: "see the wiki",
        },
        { item: "support", text: "Support knows", by: "lena", at: "2026-01-05T10:00:00.000Z", note: "" },
      ],
      missing: [],
    },
  });
});

it("lets the first word on an item stand, and ignores items that are not on the list", async () => {
  const { world, context } = open({
    items: [
      { id: "docs", text: "ready" },
      { id: "support", text: "told" },
    ],
  });
  attest(world, "docs", "max", "first");
  attest(world, "docs", "eve", "second");
  attest(world, "nonsense", "eve");
  attest(world, "support", "eve");
  const { result } = await checklist.act(context);
  expect(result.attested).toMatchObject([{ by: "max", note: "first" }, { by: "eve" }]);
});

it("fails when the time is over, naming what is missing and keeping what is there", async () => {
  const { world, context, clock } = open({ ...settings, timeout: "1h" });
  const acting = checklist.act(context);
  attest(world, "docs", "max");
  await expect.poll(() => world.progress).toHaveLength(1);
  clock.advance(3_600_001);
  expect(await acting).toMatchObject({
    outcome: "failed",
    reason: "not attested within 1h 00m: support",
    result: { attested: [{ item: "docs" }], missing: ["support"] },
  });
});

it("counts what was attested in time while nobody was there to read it, and nothing later", async () => {
  const start = new Date("2026-01-05T10:00:00.000Z").getTime();
  for (const [sentAfterMs, outcome] of [
    [3_599_000, "done"],
    [3_601_000, "failed"],
  ] as const) {
    const { world, clock, context } = open({ items: [{ id: "docs", text: "ready" }], timeout: "1h" });
    await context.saveState({ until: new Date(start + 3_600_000).toISOString() });
    attest(world, "docs", "max", "", new Date(start + sentAfterMs));
    clock.advance(7_200_000);
    expect(await checklist.act(context)).toMatchObject({ outcome });
  }
});

it("ends at once, with the reason, when the step is aborted", async () => {
  const { context, abort, world } = open();
  const acting = checklist.act(context);
  acting.catch(() => undefined);
  await expect.poll(() => world.waits).toHaveLength(1);
  abort(new Error("abort by eve"));
  await expect(acting).rejects.toThrow("abort by eve");
});

it("does not wait when no item is required", async () => {
  const { context, world } = open({ items: [{ id: "cake", text: "cake", required: false }] });
  expect(await checklist.act(context)).toMatchObject({ outcome: "done", reason: "no item is required" });
  expect(world.waits).toEqual([]);
});

it("takes no list with two items of one id", () => {
  const items = [
    { id: "a", text: "x" },
    { id: "a", text: "y" },
  ];
  expect(checklist.schema.safeParse({ items }).success).toBe(false);
});
