import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import { countdownText, timelineLines, timelineOf } from "../../src/report/timeline-text.ts";
import { scriptedStep } from "../support/engine.ts";
import { samplePlan } from "../support/state.ts";

const ZERO = "2026-12-01T15:00:00.000Z";
const scheduled = { zeroAt: ZERO, zone: "America/New_York" };
const STEPS = [
  scriptedStep("approve"),
  scriptedStep("tests", { offsetMs: -1_800_000 }),
  scriptedStep("backup", { offsetMs: -600_000 }),
  scriptedStep("deploy"),
  scriptedStep("shift"),
  scriptedStep("look", { offsetMs: 93_600_000 }),
];

function plan(change: Partial<Plan> = {}, steps = STEPS): Plan {
  return samplePlan({ stages: [{ id: "s", title: "S", risk: "low", success: [], steps }], ...change });
}
const at = (text: string): Date => new Date(text);

describe("the timeline of a plan", () => {
  it("has the wall time of every step that has a moment, in the zone that was named", () => {
    expect(timelineLines(plan({ scheduled }))).toEqual([
      "timeline: T-0 2026-12-01 10:00 EST",
      "T-30:00 09:30 EST tests",
      "T-10:00 09:50 EST backup",
      "T-0 10:00 EST deploy",
      "T+1d 02:00:00 12:00 EST look",
    ]);
  });

  it("is as if it began when the plan was made, when no time was named", () => {
    expect(timelineLines(plan()).slice(0, 2)).toEqual([
      "timeline, if it begins at once: T-0 at the earliest 2026-01-01 00:30 UTC",
      "T-30:00 00:00 UTC tests",
    ]);
    expect(timelineOf(plan(), undefined)[0]).toEqual({ step: "tests", offset: "T-30m00s" });
    expect(timelineOf(plan(), at(ZERO))[0]).toMatchObject({ at: "2026-12-01T14:30:00.000Z" });
  });

  it("is empty when the plan knows no times, and has the first step at T-0 when only that was named", () => {
    const steps = [scriptedStep("a"), scriptedStep("b")];
    expect(timelineLines(plan({}, steps))).toEqual([]);
    expect(timelineLines(plan({ scheduled }, steps))).toHaveLength(2);
    expect(timelineOf(plan({ scheduled }, steps), undefined)).toEqual([
      { step: "a", offset: "T-0", at: ZERO },
    ]);
  });

  it("takes the step that says T-0 for it, whatever comes before", () => {
    const steps = [scriptedStep("a"), scriptedStep("b"), scriptedStep("go", { offsetMs: 0 })];
    expect(timelineOf(plan({}, steps), undefined)).toEqual([{ step: "go", offset: "T-0" }]);
  });
});

describe("the countdown", () => {
  it.each([
    ["2026-12-01T14:47:30Z", "T-12:30 next: backup at T-10:00 (09:50 EST)"],
    ["2026-12-01T14:59:59.500Z", "T-00:01 next: deploy at T-0 (10:00 EST)"],
    ["2026-12-01T15:00:05Z", "T+00:05 next: look at T+1d 02:00:00 (2026-12-02 12:00 EST)"],
    ["2026-11-28T11:00:00Z", "T-3d 04:00:00 next: tests at T-30:00 (2026-12-01 09:30 EST)"],
    ["2026-12-03T00:00:00Z", undefined],
  ])("at %s says %s", (now, text) => {
    expect(countdownText(plan({ scheduled }), undefined, at(now))).toBe(text);
  });

  it("says nothing before T-0 is known", () => {
    expect(countdownText(plan(), undefined, at(ZERO))).toBeUndefined();
    expect(countdownText(plan(), at(ZERO), at("2026-12-01T14:00:00Z"))).toContain("next: tests");
  });
});
