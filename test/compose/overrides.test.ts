import { expect, it } from "vitest";
import { checkWaivers } from "../../src/compose/overrides.ts";
import { samplePlan } from "../support/state.ts";

const NOW = new Date("2026-01-01T10:00:00Z");

function start(until: string): () => void {
  const plan = samplePlan({
    gates: [
      {
        id: "tests",
        kind: "command",
        title: "tests",
        verdict: "waived",
        reason: "exit code 1",
        waiver: { by: "ann", reason: "known", until, verdict: "fail" },
        durationMs: 1,
      },
    ],
  });
  return () => checkWaivers(plan, NOW);
}

it("lets a plan run while its waivers last", () => {
  expect(start("2026-01-01T10:00:01Z")).not.toThrow();
});

it("refuses a stored plan whose waiver is over", () => {
  expect(start("2026-01-01T10:00:00Z")).toThrow(expect.objectContaining({ code: "PLAN_STALE" }));
});
