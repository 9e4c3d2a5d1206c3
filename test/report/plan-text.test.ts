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

  it("says of a gate that was waived by whom, why, until when, and what it had said itself", () => {
    const waiver = {
      by: "ann",
      reason: "no tests yet",
      until: "2026-01-02T05:00:00Z",
      verdict: "fail",
    } as const;
    const gate = { id: "tests", kind: "command", title: "tests", reason: "exit code 1", durationMs: 1 };
    const plan = samplePlan({ gates: [{ ...gate, verdict: "waived", waiver }] });
    expect(isBlocked(plan)).toBe(false);
    const text = planText(plan, { columns: 200, style: plainStyle }).join("\n");
    expect(text).toContain("gates: 0 pass · 1 waived");
    expect(text).toContain(
      "! waived tests: by ann until 2026-01-02T05:00:00Z: no tests yet; it fails: exit code 1",
    );
  });

  it("shows the last lines of a command whose gate did not pass, and of no other", () => {
    const gate = { kind: "command", title: "t", reason: "exit code 1: line 12", durationMs: 1 };
    const lastLines = Array.from({ length: 12 }, (_, index) => `line\u001b[31m ${index + 1}\u001b[0m`);
    const evidence = { exitCode: 1, lastLines };
    const textOf = (verdict: "pass" | "fail" | "unknown"): string[] =>
      planText(samplePlan({ gates: [{ ...gate, id: "t", verdict, evidence }] }), {
        columns: 100,
        style: plainStyle,
      }).filter((line) => line.includes("│"));
    const shown = Array.from({ length: 10 }, (_, index) => `     │ line ${index + 3}`);
    expect(textOf("fail")).toEqual(shown);
    expect(textOf("unknown")).toEqual(shown);
    expect(textOf("pass")).toEqual([]);
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
