import type { Verdict } from "../../model/verdict.ts";
import type { SeriesError } from "./ask.ts";

/** What an error says of a check: one that lasts is a mistake, any other leaves it open. */
export function verdictOf({ reason, isLasting }: SeriesError): Verdict {
  return { verdict: isLasting ? "fail" : "unknown", reason };
}

/** The worst of them, with the reasons of all that are as bad; `good` when all pass without a word. */
export function worstOf(verdicts: readonly Verdict[], good: string): Verdict {
  for (const verdict of ["fail", "unknown", "pass"] as const) {
    const reasons = verdicts.filter((one) => one.verdict === verdict).map(({ reason }) => reason);
    const said = [...new Set(reasons)].filter((reason) => reason !== "");
    if (reasons.length > 0) return { verdict, reason: said.length === 0 ? good : said.join("; ") };
  }
  return { verdict: "pass", reason: good };
}
