import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dbWatch } from "../../src/steps/db-watch.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

function worldOn(url: string): FakeStepWorld {
  return createFakeStepWorld({
    clock: createFakeClock({ autoAdvance: true }),
    environment: { database: "env:DB" },
    secrets: { "env:DB": url },
  });
}

const settings = { duration: "20s", every: "5s", for: "5s" };
const stepCase: StepCase = {
  kind: dbWatch,
  with: settings,
  open: () => {
    const world = worldOn(database.url);
    const ended = (): boolean =>
      (world.state() as { ended: object | null } | undefined)?.ended?.constructor === Object;
    return { world, effects: () => (ended() ? 1 : 0) };
  },
};
const parsed = (change: object = {}) => dbWatch.schema.parse({ ...settings, ...change });

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("goes on wherever it is interrupted", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ parked: 0 });
});

it("fails when sessions wait for a lock for longer than they may", async () => {
  const [holder, waiter] = [new pg.Client(database.url), new pg.Client(database.url)];
  await Promise.all([holder.connect(), waiter.connect()]);
  try {
    await holder.query("create table if not exists jammed ()");
    await holder.query("begin; lock table jammed");
    const waiting = waiter.query("select * from jammed");
    const isWaiting = async (): Promise<number> =>
      (await holder.query("select 1 from pg_locks where not granted and relation = 'jammed'::regclass")).rows
        .length;
    await expect.poll(isWaiting).toBe(1);
    const world = worldOn(database.url);
    const result = await dbWatch.act(world.open(parsed({ maxBlockedSessions: 0 }), null).context);
    expect(result).toMatchObject({ outcome: "failed" });
    expect(result.reason).toBe("sessions that wait for a lock above 0 for 5 s (up to 1)");
    expect(world.evidence.map(({ name }) => name)).toEqual(["database.json"]);
    await holder.query("rollback");
    await waiting;
  } finally {
    await Promise.all([holder.end(), waiter.end()]);
  }
});

it.each([
  ["done", { outcome: "done" }],
  ["failed", { outcome: "failed", result: { decidedBy: "mia" } }],
] as const)("asks a person about a database that it could not ask, who says %s", async (as, expected) => {
  const world = worldOn("postgres://nobody@127.0.0.1:1/none");
  const acting = dbWatch.act(world.open(parsed(), null).context);
  await expect.poll(() => world.waits.length, { timeout: 20_000 }).toBe(1);
  expect(world.waits[0]).toMatchObject({
    for: "decision",
    text: expect.stringContaining("0 % of it seen") as string,
  });
  world.send({ kind: "resolve", stepId: "step", as, note: "looked myself" }, "mia");
  const result = await acting;
  expect(result).toMatchObject(expected);
  expect(result.reason).toContain("by mia: looked myself");
});

it("watches again when a person says so", async () => {
  const world = worldOn("postgres://nobody@127.0.0.1:1/none");
  const acting = dbWatch.act(world.open(parsed(), null).context);
  for (const [index, as] of (["retry", "done"] as const).entries()) {
    await expect.poll(() => world.waits.length, { timeout: 20_000 }).toBe(index + 1);
    world.send({ kind: "resolve", stepId: "step", as, note: "" }, "mia");
  }
  expect(await acting).toMatchObject({ outcome: "done", result: { acceptedBy: "mia" } });
});
