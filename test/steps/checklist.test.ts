import { expect, it } from "vitest";
import { uncheckedActor } from "../../src/model/actor.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Signal } from "../../src/model/signal.ts";
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

const T0 = new Date("2026-01-05T12:00:00.000Z"); // two hours after the clock begins
const due = {
  items: [
    { id: "before", text: "Support knows", owner: "lena", due: "T-30m" },
    { id: "at", text: "The window is open", due: "T-0" },
    { id: "after", text: "No new errors", owner: "max", due: "T+24h" },
    { id: "asked", text: "The figures agree", due: "T+1h", required: true },
    { id: "cake", text: "There is cake", required: false, evidence: "attachment" },
  ],
};

function openAt(zeroAt: Date | undefined) {
  const clock = createFakeClock();
  const world = createFakeStepWorld({ clock, ...(zeroAt === undefined ? {} : { zeroAt }) });
  return { clock, world, ...world.open(checklist.schema.parse(due) as JsonObject, null) };
}

it("waits for what is due by T-0, for what is due later only when told to, and says when each is due", async () => {
  const { world, context } = openAt(T0);
  const acting = checklist.act(context);
  for (const item of ["before", "at"]) attest(world, item, "lena");
  await expect.poll(() => world.progress.at(-1)).toBe("waits for asked");
  expect(world.waits[0]?.text).toBe(
    "before: Support knows (due 2026-01-05T11:30:00.000Z); at: The window is open (due 2026-01-05T12:00:00.000Z); after: No new errors (optional, due 2026-01-06T12:00:00.000Z); asked: The figures agree (due 2026-01-05T13:00:00.000Z); cake: There is cake (optional, with a file)",
  );
  attest(world, "asked", "max");
  expect(await acting).toMatchObject({ outcome: "done", result: { missing: [] } });
});

it("reminds once when an item is due and then once a day, and not of one that was attested", async () => {
  const { world, context, clock } = openAt(T0);
  const acting = checklist.act(context);
  await expect.poll(() => world.waits).toHaveLength(1);
  const keys = (): string[] => world.pages.map(({ key }) => key);
  expect(keys()).toEqual([]);
  clock.advance(90 * 60_000);
  await expect.poll(keys).toEqual(["due-before-0"]);
  expect(world.pages[0]).toMatchObject({
    title: "lena: before is due",
    text: expect.stringContaining("Attest it: tminus ack before") as unknown,
  });
  attest(world, "before", "lena");
  attest(world, "at", "lena");
  await expect.poll(() => world.progress.at(-1)).toBe("waits for asked");
  for (let hours = 0; hours < 26; hours++) {
    clock.advance(3_600_000);
    await expect.poll(() => clock.sleepers()).toBe(2); // the time limit and the next reminder
  }
  await expect.poll(keys).toEqual(["due-before-0", "due-asked-0", "due-asked-1"]);
  attest(world, "asked", "max");
  await acting;
  expect(clock.sleepers()).toBe(0);
});

it("reminds of nothing before it is known when T-0 is", async () => {
  const { world, context, clock } = openAt(undefined);
  const acting = checklist.act(context);
  await expect.poll(() => world.waits).toHaveLength(1);
  expect(world.waits[0]?.text).toContain("before: Support knows (due T-30m)");
  clock.advance(24 * 3_600_000);
  for (const item of ["before", "at", "asked"]) attest(world, item, "lena");
  await acting;
  expect(world.pages).toEqual([]);
});

it("leaves as tasks what it did not wait for and nobody has attested, with owner, evidence and due time", () => {
  const left = (signals: Signal[]): unknown[] =>
    checklist.leaves!({ with: checklist.schema.parse(due), stepId: "step", signals, zeroAt: T0 });
  expect(left([])).toEqual([
    {
      id: "after",
      text: "No new errors",
      owner: "max",
      evidence: "none",
      dueAt: new Date("2026-01-06T12:00:00.000Z"),
    },
    {
      id: "cake",
      text: "There is cake",
      evidence: "attachment",
      dueAt: new Date("2026-01-06T12:00:00.000Z"),
    },
  ]);
  const body = { kind: "attest", stepId: "step", item: "after", note: "" } as const;
  const signal = { id: 1, runId: "r1", at: T0, actor: "max", identity: uncheckedActor("max"), body };
  expect(left([signal])).toMatchObject([{ id: "cake" }]);
  expect(left([{ ...signal, body: { ...body, stepId: "another" } }])).toHaveLength(2);
});

it("takes no list with two items of one id", () => {
  const items = [
    { id: "a", text: "x" },
    { id: "a", text: "y" },
  ];
  expect(checklist.schema.safeParse({ items }).success).toBe(false);
});
