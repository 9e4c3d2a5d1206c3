import type { Actor } from "../../model/actor.ts";

/** Who may end a watch early; see the setting `promote`. */
export const PROMOTERS = ["anyone", "approver", "never"] as const;
export type Promoters = (typeof PROMOTERS)[number];

/**
 * Why this person may not end a watch before its time and keep the release; undefined when they may. On a protected environment
 * that always takes an approver who is a person, elsewhere the runbook has to allow it. Pure.
 */
export function whyNotEarly(
  promote: Promoters | undefined,
  isProtected: boolean,
  { name, kind, roles }: Actor,
): string | undefined {
  if (promote === "never") return "the runbook says that this watch is never ended early";
  if (promote === undefined && !isProtected)
    return "the runbook does not say who may end this watch early: it has no promote";
  if (promote === "anyone" && !isProtected) return undefined;
  return kind === "human" && roles.includes("approver")
    ? undefined
    : `${name} may not end this watch early: that takes an approver who is a person`;
}
