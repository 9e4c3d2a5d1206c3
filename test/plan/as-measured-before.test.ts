import { describe, expect, it } from "vitest";
import { planHash } from "../../src/model/plan-hash.ts";
import type { Plan } from "../../src/model/plan.ts";
import { asMeasuredBefore } from "../../src/plan/as-measured-before.ts";
import { samplePlan } from "../cli/support/sample-run.ts";

const isMeasuring = (kind: string): boolean => kind === "watch";

/** The sample plan with its first step as this one. */
function planWith(change: Partial<Plan["stages"][number]["steps"][number]>): Plan {
  const plan = samplePlan();
  const [stage, ...stages] = plan.stages;
  const [step, ...steps] = stage!.steps;
  const content = { ...plan, stages: [{ ...stage!, steps: [{ ...step!, ...change }, ...steps] }, ...stages] };
  return { ...content, hash: planHash(content) };
}

describe("a plan that is made again", () => {
  it("is the same when only the traffic that a watch measured is another", () => {
    const before = planWith({ kind: "watch", facts: { perMinute: 30 }, summary: ["sees 5 % in 2 s"] });
    const now = planWith({ kind: "watch", facts: { perMinute: 31 }, summary: ["sees 5 % in 1 s"] });
    expect(now.hash).not.toBe(before.hash);
    expect(planHash(asMeasuredBefore(now, before, isMeasuring))).toBe(before.hash);
  });

  it("is another one when its settings, its inputs, or what other kinds found out have changed", () => {
    const before = planWith({ kind: "watch", facts: { perMinute: 30 } });
    const others = [
      planWith({ kind: "watch", facts: { perMinute: 30 }, with: { duration: "1h" } }),
      planWith({ kind: "watch", facts: { perMinute: 30 }, timeoutMs: 5 }),
      { ...before, inputs: [...before.inputs, { name: "signals", digest: "cannot be asked" }] },
    ];
    for (const now of others)
      expect(planHash(asMeasuredBefore(now, before, isMeasuring))).not.toBe(before.hash);
    const migration = planWith({ kind: "db.migrate", facts: { pending: 1 } });
    const another = planWith({ kind: "db.migrate", facts: { pending: 2 } });
    expect(planHash(asMeasuredBefore(another, migration, isMeasuring))).not.toBe(migration.hash);
  });
});
