import { expect, it } from "vitest";
import * as z from "zod";
import { TminusError } from "../../src/errors.ts";
import { defineGate, type AnyGateKind } from "../../src/gates/define.ts";
import { runGates, type GateToRun, type RunGatesOptions } from "../../src/gates/run-gates.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { gateContext } from "../support/gate-context.ts";

function kind(name: string, check: AnyGateKind["check"]): AnyGateKind {
  const schema = z.strictObject({ level: z.int().default(1) });
  return defineGate({ kind: name, summary: "", requirements: [], schema, example: "", check });
}

const pass = async (): Promise<Verdict> => ({ verdict: "pass", reason: "good" });

function options(kinds: Record<string, AnyGateKind>, given: Partial<RunGatesOptions> = {}): RunGatesOptions {
  const { with: _, ...shared } = gateContext(
    kind("none", pass),
    {},
    { secrets: { "env:TOKEN": "s3cr3tvalue1" } },
  );
  return { ...shared, clock: createFakeClock(), kinds, ...given };
}

const gate = (id: string, kind = id): GateToRun => ({ id, kind, with: {} });

it("reports every gate in the order given, whatever each of them says", async () => {
  const clock = createFakeClock();
  const kinds = {
    good: kind("good", pass),
    bad: kind("bad", async () => {
      clock.advance(1500);
      return { verdict: "fail", reason: "2 tests failed", fix: "correct them" };
    }),
  };
  const results = await runGates(
    [gate("bad"), { ...gate("good"), title: "All is good" }],
    options(kinds, { clock }),
  );
  expect(results).toEqual([
    {
      id: "bad",
      kind: "bad",
      title: "bad",
      verdict: "fail",
      reason: "2 tests failed",
      fix: "correct them",
      durationMs: 1500,
    },
    { id: "good", kind: "good", title: "All is good", verdict: "pass", reason: "good", durationMs: 0 },
  ]);
});

it("keeps what a gate saw, and says so when that is too much for a plan", async () => {
  const seeing = (evidence: string) => async (): Promise<Verdict> => ({
    verdict: "pass",
    reason: "good",
    evidence,
  });
  const kinds = {
    little: kind("little", seeing("12 files")),
    much: kind("much", seeing("x".repeat(70_000))),
  };
  const results = await runGates([gate("little"), gate("much")], options(kinds));
  expect(results.map(({ evidence }) => evidence)).toEqual([
    "12 files",
    { leftOut: "70002 bytes are too much for a plan" },
  ]);
});

it("counts a gate that throws, that does not exist or that has wrong settings as undecided", async () => {
  const kinds = {
    good: kind("good", pass),
    thrown: kind("thrown", async () => {
      throw new Error("no answer for s3cr3tvalue1");
    }),
    coded: kind("coded", async () => {
      throw new TminusError("SECRET_MISSING", "TOKEN has no value", { hint: "set TOKEN" });
    }),
  };
  const gates = [
    gate("thrown"),
    gate("coded"),
    gate("toString"),
    { ...gate("wrong", "good"), with: { level: "x" } },
    gate("good"),
  ];
  const results = await runGates(gates, options(kinds));
  expect(results.map(({ verdict, reason, fix }) => [verdict, reason, fix])).toEqual([
    ["unknown", "no answer for ***", undefined],
    ["unknown", "TOKEN has no value", "set TOKEN"],
    ["unknown", "there is no gate kind toString", undefined],
    ["unknown", "its settings are not valid", "correct its with: block"],
    ["pass", "good", undefined],
  ]);
});

it("runs four at a time", async () => {
  let running = 0;
  let most = 0;
  const release: (() => void)[] = [];
  const slow = kind("slow", async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => release.push(resolve));
    running--;
    return pass();
  });
  const all = runGates(
    Array.from({ length: 10 }, (_, n) => gate(`g${n}`, "slow")),
    options({ slow }),
  );
  for (let freed = 0; freed < 10; freed++) {
    await expect.poll(() => release.length).toBeGreaterThan(freed);
    release[freed]!();
  }
  expect(await all).toHaveLength(10);
  expect(most).toBe(4);
});

it("throws the reason when it is aborted, and begins no further gate", async () => {
  const stopping = new AbortController();
  let begun = 0;
  const slow = kind("slow", ({ signal }) => {
    begun++;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  });
  const gates = Array.from({ length: 6 }, (_, n) => gate(`g${n}`, "slow"));
  const all = runGates(gates, options({ slow }, { signal: stopping.signal }));
  stopping.abort(new Error("enough"));
  await expect(all).rejects.toThrow("enough");
  expect(begun).toBe(4);
});

it("runs nothing when there are no gates", async () => {
  expect(await runGates([], options({}))).toEqual([]);
});
