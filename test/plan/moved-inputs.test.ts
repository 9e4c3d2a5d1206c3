import { describe, expect, it } from "vitest";
import { movedInputs } from "../../src/plan/moved-inputs.ts";
import type { PlanInput } from "../../src/model/plan.ts";
import { samplePlan } from "../support/state.ts";

const planWith = (...inputs: PlanInput[]) => samplePlan({ inputs });

describe("movedInputs", () => {
  it("is empty when every input has the digest that it had, in whatever order", () => {
    const [a, b] = [
      { name: "a", digest: "1" },
      { name: "b", digest: "2" },
    ];
    expect(movedInputs(planWith(a, b), planWith(b, a))).toEqual([]);
  });

  it("names what changed with before and after, what is gone, and what is new; hashes are shortened", () => {
    const before = planWith(
      { name: "files", digest: "a".repeat(64) },
      { name: "live", digest: "v1 100 %" },
      { name: "script", digest: "x" },
    );
    const now = planWith(
      { name: "files", digest: "b".repeat(64) },
      { name: "live", digest: "v2 100 %" },
      { name: "ledger", digest: "y" },
    );
    expect(movedInputs(before, now)).toEqual([
      "files (was aaaaaaaaaaaa…, is bbbbbbbbbbbb…)",
      "live (was v1 100 %, is v2 100 %)",
      "script (was x, is gone)",
      "ledger (new)",
    ]);
  });
});
