import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { dbBackfill } from "../../src/steps/db-backfill.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { openWorld, type BackfillWorld } from "../postgres/backfill/world.ts";

const stepWorld = (world: BackfillWorld, reference = "env:DATABASE_URL") =>
  createFakeStepWorld({
    clock: systemClock,
    environment: { database: reference },
    secrets: { "env:DATABASE_URL": world.url, "env:AWAY": "postgresql://ann@127.0.0.1:1/shop" },
  });

/** `effect` counts what act brings about and undo takes away. */
const caseOf = (settings: JsonObject, effect: string): StepCase => ({
  kind: dbBackfill,
  with: { table: "users", set: { handle: "lower(email)" }, ...settings },
  async open() {
    const world = await openWorld(300);
    return {
      world: stepWorld(world),
      effects: async () => (await world.query<{ there: number }>(effect))[0]!.there,
      close: () => world[Symbol.asyncDispose](),
    };
  },
});
const VALUES = "select (count(*) = 300)::int as there from users where handle = lower(email)";
const TRIGGER = "select count(*)::int as there from pg_trigger where tgname like '%tminus_backfill%'";

describe("db.backfill", () => {
  it("keeps the contract of a step, taking back the values", async () => {
    await driveStep(caseOf({ undo: "set null" }, VALUES));
  });

  it("keeps the contract of a step, taking back only the trigger", async () => {
    await driveStep(caseOf({ trigger: "keep" }, TRIGGER));
  });

  it("is there once after a recovery, and not at all after a rollback", async () => {
    const report = await driveInterrupted(caseOf({ undo: "set null" }, VALUES));
    expect(report).toMatchObject({ act: 2, parked: 0 });
  });
});
