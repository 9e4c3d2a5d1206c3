import { expect, it } from "vitest";
import * as z from "zod";
import { defineGate, defineStep, hasCode, TminusError } from "../src/index.ts";
import { createFakeStepWorld, driveInterrupted, driveStep, type StepCase } from "../src/testing/index.ts";

it("lets a step kind be written and driven with nothing but the public API", async () => {
  const lamps = new Set<string>();
  const lamp = defineStep({
    kind: "lamp.on",
    version: 1,
    summary: "Switches a lamp on.",
    requirements: [],
    inRollback: false,
    schema: z.strictObject({ room: z.string().describe("Where the lamp is") }),
    example: "room: hall\n",
    plan: ({ with: { room } }) => ({
      summary: [`lights the ${room}`],
      risk: "low",
      durationMs: 0,
      timeoutMs: 1_000,
      undo: { how: "undo", text: "switches it off" },
      inputs: [],
      blocked: [],
    }),
    observe: async ({ with: { room } }) =>
      lamps.has(room)
        ? { state: "done", reason: "it is on", result: {} }
        : { state: "absent", reason: "it is off" },
    act: async ({ with: { room } }) => {
      lamps.add(room);
      return { outcome: "done", reason: "it is on", result: {} };
    },
    undo: async ({ with: { room } }) => {
      lamps.delete(room);
      return { outcome: "done", reason: "it is off", result: {} };
    },
  });
  const stepCase: StepCase = {
    kind: lamp,
    with: { room: "hall" },
    open: () => {
      lamps.clear();
      return { world: createFakeStepWorld(), effects: () => lamps.size };
    },
  };
  await driveStep(stepCase);
  expect(await driveInterrupted(stepCase)).toMatchObject({ parked: 0 });
});

it("lets a gate kind be written, and errors be told by their code", async () => {
  const gate = defineGate({
    kind: "always.open",
    summary: "Passes.",
    requirements: [],
    schema: z.strictObject({}),
    example: "{}\n",
    check: async () => ({ verdict: "pass", reason: "it is open" }),
  });
  expect(gate.schema.safeParse({ unheardOf: 1 }).success).toBe(false);
  expect(hasCode(new TminusError("PLAN_STALE", "moved"), "PLAN_STALE")).toBe(true);
});
