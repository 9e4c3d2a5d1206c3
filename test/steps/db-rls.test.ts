import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { StepResult } from "../../src/model/step-kind.ts";
import { recordFingerprint } from "../../src/postgres/drift/recorded.ts";
import { openSession } from "../../src/postgres/session/connect.ts";
import { dbRls } from "../../src/steps/db-rls.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { ANNA, BERT, openRlsWorld, type RlsWorld } from "../postgres/rls/world.ts";

const SETTINGS: JsonObject = {
  anonymous: { role: "tminus_anon" },
  authenticated: { role: "tminus_member", claims: { sub: "cccccccc-0000-4000-8000-000000000003" } },
  tenantA: { role: "tminus_member", claims: { sub: ANNA }, tenant: 1 },
  tenantB: { role: "tminus_member", claims: { sub: BERT }, tenant: 2 },
  tenantColumn: "workspace_id",
  tables: { countries: { public: ["select"] } },
};

function stepWorld(world: RlsWorld) {
  return createFakeStepWorld({
    clock: systemClock,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": world.drift.url },
  });
}

async function act(world: RlsWorld, more: JsonObject = {}): Promise<StepResult> {
  const settings = dbRls.schema.parse({ ...SETTINGS, ...more }) as JsonObject;
  return dbRls.act(stepWorld(world).open(settings, null).context);
}

const stepCase: StepCase = {
  kind: dbRls,
  with: SETTINGS,
  observedAfterAct: "absent",
  async open() {
    const rls = await openRlsWorld();
    const world = stepWorld(rls);
    return {
      world,
      effects: () => (world.evidence.some(({ name }) => name === "rls.json") ? 1 : 0),
      close: () => rls[Symbol.asyncDispose](),
    };
  },
};

describe("db.rls", () => {
  it("keeps the contract of a step", async () => {
    await driveStep(stepCase);
  });

  it("can be interrupted anywhere and done again", async () => {
    expect((await driveInterrupted(stepCase)).parked).toBe(0);
  });

  it("fails with the hole that a probe found, unless it is meant", async () => {
    await using world = await openRlsWorld(
      "create policy see on invoices for select to tminus_member using (true)",
    );
    const result = await act(world);
    expect(result.outcome).toBe("failed");
    expect(result.reason).toMatch(
      /^3 holes in row security: authenticated select public\.invoices: sees 4 rows/,
    );
    const accept = ["authenticated", "tenantA", "tenantB"].map((name) => `${name} select public.invoices`);
    expect(await act(world, { accept })).toMatchObject({ outcome: "done" });
  });

  it("does not pass what it could not try", async () => {
    await using world = await openRlsWorld("delete from invoices");
    const result = await act(world);
    expect(result).toMatchObject({ outcome: "failed", result: { verdict: "unknown" } });
    expect(result.reason).toMatch(/could not be found out: \d+ probes could not be carried out/);
  });

  it("says which role gained what since the schema was recorded, and stops at it when told to", async () => {
    await using world = await openRlsWorld();
    await using session = await openSession({
      connectionString: world.drift.url,
      purpose: "test",
      statementTimeoutMs: 20_000,
    });
    const by = { fence: { environment: "production", token: 1 }, runKey: "run-1/verify" };
    await recordFingerprint(session, by, await world.drift.look());
    await world.drift.run(
      "grant insert on countries to tminus_member; create schema platform; grant usage on schema platform to tminus_anon",
    );
    const changes = ["tminus_member gained INSERT on table public.countries"];
    expect(await act(world)).toMatchObject({ outcome: "done", result: { changes } });
    expect(await act(world, { widening: "fail" })).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining(changes[0]!) as unknown,
    });
  });
});
