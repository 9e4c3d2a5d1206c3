import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { turnOn } from "../../src/postgres/readonly/set-mode.ts";
import { dbReadonly } from "../../src/steps/db-readonly.ts";
import { createFakeStepWorld, type FakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";
import { openWorld, TRIGGERS, type ReadOnlyWorld } from "../postgres/readonly/world.ts";

const stepWorld = (url: string): FakeStepWorld =>
  createFakeStepWorld({
    clock: systemClock,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": url },
  });

const isOn = async (world: ReadOnlyWorld): Promise<boolean> =>
  (await world.query<{ there: number }>(TRIGGERS))[0]!.there > 0;

const caseOf = (mode: "on" | "off"): StepCase => ({
  kind: dbReadonly,
  with: { mode },
  async open() {
    const world = await openWorld();
    if (mode === "off") await turnOn([], world.options);
    return {
      world: stepWorld(world.url),
      effects: async () => Number((await isOn(world)) === (mode === "on")),
      close: () => world[Symbol.asyncDispose](),
    };
  },
});

describe("db.readonly", () => {
  it.each(["on", "off"] as const)("keeps the contract of a step, turning it %s", async (mode) => {
    await driveStep(caseOf(mode));
  });

  it.each(["on", "off"] as const)(
    "is %s after a recovery, and as it was before after a rollback",
    { timeout: 60_000 },
    async (mode) => {
      const report = await driveInterrupted(caseOf(mode));
      expect(report).toMatchObject({ parked: 0 });
      expect(report.act).toBeGreaterThan(0);
    },
  );

  it("leaves a mode alone that was on before it, also when it is undone", async () => {
    await using world = await openWorld();
    await turnOn([], world.options);
    const { context } = stepWorld(world.url).open(
      { mode: "on", except: [] },
      { state: "on", tables: 5, foreign: [] },
    );
    expect((await dbReadonly.observe(context)).state).toBe("done");
    expect((await dbReadonly.act(context)).outcome).toBe("done");
    expect((await dbReadonly.undo!(context, undefined)).outcome).toBe("done");
    expect(await isOn(world)).toBe(true);
  });

  it("does not know the answer of a database that is away", async () => {
    const { context } = stepWorld("postgresql://ann@127.0.0.1:1/shop").open(
      { mode: "on", except: [] },
      { state: "off", tables: 5, foreign: [] },
    );
    expect((await dbReadonly.observe(context)).state).toBe("unknown");
    expect((await dbReadonly.verify!(context, {})).verdict).toBe("unknown");
  });
});
