import { expect, it } from "vitest";
import { wait } from "../../src/steps/wait.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const TEN_MINUTES_MS = 600_000;

const stepCase: StepCase = {
  kind: wait,
  with: { for: "10m" },
  open: () => {
    const clock = createFakeClock({ autoAdvance: true });
    const world = createFakeStepWorld({ clock });
    // Exactly ten minutes: a wait that began anew after an interruption would take longer.
    return { world, effects: () => (clock.monotonicMs() === TEN_MINUTES_MS ? 1 : 0) };
  },
};

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("waits no longer in all when it is interrupted", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ act: 5, parked: 0 });
});

it("goes on after a restart from where it was, and is done when the time passed meanwhile", async () => {
  const clock = createFakeClock();
  const world = createFakeStepWorld({ clock });
  const settings = { for: "10m" };
  const first = world.open(settings, null);
  const acting = wait.act(first.context);
  acting.catch(() => undefined);
  await expect.poll(() => clock.sleepers()).toBe(1);
  first.abort(new Error("killed"));
  await expect(acting).rejects.toThrow("killed");

  const second = world.open(settings, null).context;
  expect((await wait.observe(second)).state).toBe("absent");
  clock.advance(TEN_MINUTES_MS);
  expect((await wait.observe(second)).state).toBe("done");
  expect(await wait.act(second)).toMatchObject({ outcome: "done" });
  expect(world.waits[0]).toMatchObject({ for: "time", until: "2026-01-05T10:10:00.000Z" });
});

it("says how much is left", async () => {
  const world = createFakeStepWorld({ clock: createFakeClock({ autoAdvance: true }) });
  await wait.act(world.open({ for: "25s" }, null).context);
  expect(world.progress).toEqual(["25 s left", "15 s left", "5.0 s left"]);
});

it("takes no wait that is longer than a week", () => {
  expect(wait.schema.safeParse({ for: "7d" }).success).toBe(true);
  expect(wait.schema.safeParse({ for: "7d1s" }).success).toBe(false);
});
