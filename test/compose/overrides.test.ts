import { expect, it } from "vitest";
import { checkWaivers } from "../../src/compose/overrides.ts";
import { samplePlan } from "../support/state.ts";

const NOW = new Date("2026-01-01T10:00:00Z");

function start(by: string, until: string, isProtected = true): () => void {
  const plan = samplePlan({
    environment: { ...samplePlan().environment, protected: isProtected },
    gates: [
      {
        id: "tests",
        kind: "command",
        title: "tests",
        verdict: "waived",
        reason: "exit code 1",
        waiver: { by, reason: "known", until, verdict: "fail" },
        durationMs: 1,
      },
    ],
  });
  return () => checkWaivers(plan, "mia", NOW);
}

it("lets a plan run while its waivers last", () => {
  expect(start("ann", "2026-01-01T10:00:01Z")).not.toThrow();
});

it("refuses a stored plan whose waiver is over", () => {
  expect(start("ann", "2026-01-01T10:00:00Z")).toThrow(expect.objectContaining({ code: "PLAN_STALE" }));
});

it("refuses a protected environment's run to whoever let its gate pass, in whatever writing of the name", () => {
  expect(start(" MIA", "2026-01-01T11:00:00Z")).toThrow(
    expect.objectContaining({ code: "APPROVAL_REFUSED" }),
  );
  expect(start("mia", "2026-01-01T11:00:00Z", false)).not.toThrow();
});
