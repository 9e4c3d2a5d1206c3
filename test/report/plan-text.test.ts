import { describe, expect, it } from "vitest";
import { blockingReasons, isBlocked, planSummary, planText } from "../../src/report/plan-text.ts";
import { plainStyle, widthOf } from "../../src/report/text.ts";
import { blockedPlan, samplePlan } from "../cli/support/sample-run.ts";

describe("the text of a plan", () => {
  it.each([
    ["plan-100", samplePlan(), 100],
    ["plan-40", samplePlan(), 40],
    ["plan-blocked-100", blockedPlan(), 100],
  ])("looks as agreed: %s", async (name, plan, columns) => {
    const lines = planText(plan, { columns, style: plainStyle });
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`goldens/${name}.txt`);
  });

  it("ends with a sentence that says that nothing was changed", () => {
    expect(planSummary(samplePlan())).toBe(
      "6 steps, about 6.0 s and 3 steps of unknown length, 1 step cannot be undone. Nothing was changed.",
    );
    expect(planSummary(blockedPlan())).toMatch(/^2 gates blocked, 1 other reason against it, /);
  });

  it("counts a gate that could not be run as blocking, also when its maker did not list it", () => {
    const plan = samplePlan({
      gates: [
        {
          id: "up",
          kind: "url.healthy",
          title: "up",
          verdict: "unknown",
          reason: "no answer",
          durationMs: 1,
        },
      ],
    });
    expect(isBlocked(plan)).toBe(true);
    expect(isBlocked(samplePlan())).toBe(false);
    expect(blockingReasons(blockedPlan()).map(({ where }) => where)).toEqual([
      "gate tests",
      "gate up",
      "step migrate",
    ]);
  });
});
