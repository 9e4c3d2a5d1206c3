import { expect, it } from "vitest";
import { whyNotByOwnWord, whyNotEmergency } from "../../src/model/own-word.ts";
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

it("keeps whoever declared an emergency in a protected environment from starting the run that it lets through", () => {
  const { environment } = samplePlan();
  const emergency = { id: 7, by: " MIA", reason: "", until: "2026-01-01T11:00:00Z", leftOut: [] };
  const rests = (isProtected: boolean): Plan =>
    samplePlan({ environment: { ...environment, protected: isProtected }, emergency });
  expect(whyNotByOwnWord(rests(true), "mia")).toContain("declared emergency e7");
  expect(whyNotByOwnWord(rests(true), "ann")).toBeUndefined();
  expect(whyNotByOwnWord(rests(false), "mia")).toBeUndefined();
});

it("lets an emergency be declared by an approver who is a person", () => {
  const ann: Parameters<typeof whyNotEmergency>[0] = { name: "ann", kind: "human", roles: ["approver"] };
  expect(whyNotEmergency(ann)).toBeUndefined();
  expect(whyNotEmergency({ ...ann, kind: "agent" })).toBe(
    "ann may not declare an emergency: that takes an approver who is a person",
  );
  expect(whyNotEmergency({ ...ann, roles: ["operator", "admin"] })).toContain("may not declare an emergency");
});
