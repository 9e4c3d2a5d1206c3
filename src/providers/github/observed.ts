import type { Observed } from "../../model/verdict.ts";
import type { Failed } from "./api.ts";

/** GitHub answers 422 about a commit that it does not have; everything else says nothing about the commit. */
export function observed({ status, reason }: Failed): Observed<never> {
  return status === 422 ? { state: "absent" } : { state: "unknown", reason };
}
