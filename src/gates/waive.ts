import type { Override } from "../model/override.ts";
import type { GateResult } from "../model/plan.ts";

/** The results with those waived that did not pass and that somebody let pass; the newest word counts. */
export function waive(results: readonly GateResult[], overrides: readonly Override[]): GateResult[] {
  return results.map((result) => {
    const { verdict } = result;
    const override = overrides.findLast(({ gate }) => gate === result.id);
    if (override === undefined || (verdict !== "fail" && verdict !== "unknown")) return result;
    const { by, reason, until } = override;
    return { ...result, verdict: "waived", waiver: { by, reason, until: until.toISOString(), verdict } };
  });
}
