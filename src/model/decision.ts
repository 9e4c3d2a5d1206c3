/**
 * What answers a question about a step. extend: look longer before deciding; only some questions can be answered so.
 * promote answers none: it ends a watch that goes on before its time, and keeps the release.
 */
export const decisionWords = ["done", "retry", "failed", "extend", "promote"] as const;

export type DecisionWord = (typeof decisionWords)[number];

/** The words that answer a question of a watch. */
export const watchDecisions: readonly DecisionWord[] = ["done", "retry", "failed", "extend"];

/** The words that answer a question that does not say which. */
export const usualDecisions: readonly DecisionWord[] = ["done", "retry", "failed"];
