import type { RuleVerdict } from "./rule-verdict.ts";

export function inconclusive(reason: string): RuleVerdict {
  return { verdict: "INCONCLUSIVE", reason };
}

/** For want of so many more requests; infinite where no number of them would do. */
export function lacking(missing: number, reason: string): RuleVerdict {
  if (!Number.isFinite(missing)) return inconclusive(reason);
  const missingRequests = Math.ceil(missing);
  const needed = `${missingRequests.toLocaleString("en-US")} more requests are needed`;
  return { verdict: "INCONCLUSIVE", reason: `${reason}; ${needed}`, missingRequests };
}
