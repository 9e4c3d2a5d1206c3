import { expect, it } from "vitest";
import { whyNotByOwnWord } from "../../src/model/own-word.ts";
import type { Plan } from "../../src/model/plan.ts";
import { samplePlan } from "../support/state.ts";

function plan(by: string, isProtected: boolean): Plan {
  const { environment } = samplePlan();
  return samplePlan({
    environment: { ...environment, protected: isProtected },
    gates: [
      {
        id: "tests",
        kind: "command",
        title: "tests",
        verdict: "waived",
        reason: "exit code 1",
        waiver: { by, reason: "known", until: "2026-01-01T11:00:00Z", verdict: "fail" },
        durationMs: 1,
      },
    ],
  });
}

it("keeps whoever let a gate of a protected environment pass from starting its run, in whatever writing of the name", () => {
  expect(whyNotByOwnWord(plan(" MIA", true), "mia")).toContain("let gate tests pass");
  expect(whyNotByOwnWord(plan("ann", true), "mia")).toBeUndefined();
  expect(whyNotByOwnWord(plan("mia", false), "mia")).toBeUndefined();
});
