import type { WatchRule } from "../rules/watch-rule.ts";
import { isGating, type RuleDefinition } from "./definition.ts";

/** Whether the rule acts on evidence: by its own word, else where counts are held against a share and no looks are counted. */
export function isConfident({ kind, mode, hold }: WatchRule): boolean {
  if (kind === "expect" || mode?.kind === "strictly") return false;
  return mode?.kind === "confident" || hold?.kind !== "of";
}

/** Whether the rule stops a release by odds, and so has a part of the risk of a false alarm: probes and literal rules have none. */
export function spendsRisk(rule: Pick<RuleDefinition, "rule" | "isShadow">): boolean {
  return isGating(rule) && isConfident(rule.rule) && rule.rule.condition.kind === "measure";
}
