import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { JsonObject } from "../../src/model/json.ts";
import type { StepContext, StepKind } from "../../src/model/step-kind.ts";
import { defineStep } from "../../src/steps/define.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

/** The outside of a step that adds one to a number. */
interface Counter {
  count: number;
}

type Parts = Partial<Pick<StepKind, "observe" | "act" | "undo" | "verify">>;

/** A kind that keeps its contract, unless `flaws` replaces a part. State and effect change in that order. */
function counterCase(flaws: (counter: Counter) => Parts = () => ({})): StepCase {
  const counters: Counter[] = [];
  const current = (): Counter => counters.at(-1)!;
  const kind = defineStep({
    kind: "test.count",
    version: 1,
    inRollback: false,
    summary: "Adds one.",
    requirements: [],
    schema: z.strictObject({}),
    example: "{}\n",
    plan: () => ({
      summary: [],
      risk: "low",
      durationMs: 0,
      timeoutMs: 1000,
      undo: { how: "undo", text: "takes one away" },
      inputs: [],
      blocked: [],
    }),
    observe: async (): ReturnType<StepKind["observe"]> =>
      current().count > 0 ? { state: "done", reason: "", result: {} } : { state: "absent", reason: "" },
    act: async (ctx) => {
      await ctx.saveState("acting");
      current().count++;
      await ctx.evidence("count", "1");
      return { outcome: "done", reason: "", result: {} };
    },
    verify: async () => ({ verdict: current().count === 1 ? "pass" : "fail", reason: "" }),
    undo: async (ctx) => {
      await ctx.saveState("undoing");
      current().count = 0;
      await ctx.saveState("undone");
      return { outcome: "done", reason: "", result: {} };
    },
  });
  return {
    kind: new Proxy(kind, {
      get: (target, name: keyof StepKind) => (flaws(current()) as Partial<StepKind>)[name] ?? target[name],
    }),
    with: {},
    open: () => {
      counters.push({ count: 0 });
      return { world: createFakeStepWorld(), effects: () => current().count };
    },
  };
}

const done = { outcome: "done" as const, reason: "", result: {} as JsonObject };

it("accepts a kind that keeps its contract, and counts the places of interruption", async () => {
  await driveStep(counterCase());
  expect(await driveInterrupted(counterCase())).toEqual({ act: 4, undo: 4, parked: 0 });
});

describe("driveStep finds", () => {
  it.each<[string, (counter: Counter) => Parts, RegExp]>([
    ["an act without effect", () => ({ act: async () => done }), /effects after act/],
    ["an act with two effects", (c) => ({ act: async () => ((c.count += 2), done) }), /effects after act/],
    ["an undo that undoes nothing", () => ({ undo: async () => done }), /undo left the effect/],
    [
      "an undo that cannot be repeated",
      (c) => ({ undo: async () => (c.count--, done) }),
      /undo again left the effect/,
    ],
    [
      "an observe that says done too early",
      () => ({ observe: async () => ({ state: "done", reason: "", result: {} }) }),
      /done before act/,
    ],
    [
      "an observe that does not see the effect",
      () => ({ observe: async () => ({ state: "absent", reason: "" }) }),
      /observe after act/,
    ],
    [
      "a verify that does not pass",
      () => ({ verify: async () => ({ verdict: "unknown", reason: "?" }) }),
      /verify after act/,
    ],
    [
      "a result that does not survive JSON",
      (c) => ({ act: async () => (c.count++, { ...done, result: { at: new Date(0) as never } }) }),
      /survive JSON/,
    ],
  ])("%s", async (_, flaws, message) => {
    await expect(driveStep(counterCase(flaws))).rejects.toThrow(message);
  });
});

describe("driveInterrupted finds", () => {
  const blind = { observe: async () => ({ state: "absent" as const, reason: "" }) };
  type Ctx = StepContext<JsonObject>;

  it("an effect that is repeated because nobody looks", async () => {
    const flaws = (): Parts => ({ ...blind, verify: async () => ({ verdict: "pass", reason: "" }) });
    await expect(driveInterrupted(counterCase(flaws))).rejects.toThrow(
      /effects after recovering from evidence:before/,
    );
  });

  it("an undo that trusts a state which is written before the effect is gone", async () => {
    const flaws = (counter: Counter): Parts => ({
      async undo(ctx: Ctx) {
        if ((await ctx.loadState()) === "undone") return done;
        await ctx.saveState("undone");
        counter.count = 0;
        return done;
      },
    });
    await expect(driveInterrupted(counterCase(flaws))).rejects.toThrow(
      /undo was interrupted at saveState:after/,
    );
  });

  it("a rollback that needs the result of an act that never returned", async () => {
    const flaws = (counter: Counter): Parts => ({
      async undo(_ctx: Ctx, result: JsonObject | undefined) {
        if (result !== undefined) counter.count = 0;
        return done;
      },
    });
    await expect(driveInterrupted(counterCase(flaws))).rejects.toThrow(
      /act was interrupted at evidence:before.*and undone/,
    );
  });

  it("a kind that asks a person although its case says that the effect can be looked up", async () => {
    const unknown = { observe: async () => ({ state: "unknown" as const, reason: "?" }) };
    await expect(driveInterrupted(counterCase(() => unknown))).rejects.toThrow(/observe/);
  });
});
