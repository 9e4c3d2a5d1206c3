import type { EarlierStep } from "../../model/step-kind.ts";

/**
 * What a step is worth as proof. good: it was done and says nothing else. accepted: a person took its risk.
 * open: nothing proves it; it was not done, could not tell, or is not there.
 */
export type Proof = { verdict: "good" | "accepted" | "open"; reason: string };

export function judge(step: EarlierStep | undefined): Proof {
  if (step === undefined) return { verdict: "open", reason: "the plan has no such step" };
  const { state, reason, result } = step;
  if (state !== "done")
    return { verdict: "open", reason: `it is ${state}${reason === "" ? "" : `: ${reason}`}` };
  const { verdict, acceptedBy } = result;
  if (verdict === "accepted" || typeof acceptedBy === "string")
    return { verdict: "accepted", reason: reason === "" ? "a person accepted it" : reason };
  if (verdict === undefined || verdict === "pass") return { verdict: "good", reason };
  return { verdict: "open", reason: `its verdict is ${JSON.stringify(verdict)}: ${reason}` };
}
