/**
 * What answers a question about a step. extend: look longer before deciding; only some questions can be answered so.
 */
export const decisionWords = ["done", "retry", "failed", "extend"] as const;

export type DecisionWord = (typeof decisionWords)[number];

/** The words that answer a question that does not say which. */
export const usualDecisions: readonly DecisionWord[] = ["done", "retry", "failed"];
