import { formatDuration } from "../../lib/duration.ts";
import type { Condition, Metric, WatchRule } from "./watch-rule.ts";

/** What the watch around a rule, and its source, can do. */
export interface RuleSetting {
  /** Length of the stage that the rule watches; undefined when the rule is looked at alone. */
  stageMs?: number;
  /** Whether the source gives how many of how many for this metric. */
  givesCounts(metric: Metric): boolean;
  /** Whether what was before can be had: from the source's history, or captured before traffic moves. */
  hasBaseline(condition: Condition & { kind: "measure" }): boolean;
  /** Names of the probes of the watch; undefined when the rule is looked at alone. */
  probes?: readonly string[];
}

export interface RuleRefusal {
  /** A sentence part that begins with the rule's name. */
  reason: string;
  fix: string;
}

const RATIO = "error_rate, share(latency > …) and declared queries with counts";

/** Pure: why a rule that parses cannot do what it says; empty when it can. All reasons at once. */
export function checkRule(rule: WatchRule, setting: RuleSetting): RuleRefusal[] {
  const found: RuleRefusal[] = [];
  const refuse = (reason: string, fix: string): void =>
    void found.push({ reason: `${rule.name}: ${reason}`, fix });
  const { condition, hold, kind, action, mode } = rule;

  if (hold?.kind === "for" && setting.stageMs !== undefined && hold.ms > setting.stageMs)
    refuse(
      `it must hold for ${formatDuration(hold.ms)}, and the stage is ${formatDuration(setting.stageMs)} long`,
      "make the stage longer or the time shorter",
    );
  if (kind === "expect" && action === "rollback")
    refuse(
      "what was not shown to be good is no reason to roll back",
      "write -> fail-gate or -> hold, or a when rule",
    );
  if (kind === "when" && action === "fail-gate")
    refuse("fail-gate is what an expect rule does", "write expect, or -> rollback or -> hold");
  if (condition.kind === "probe") {
    checkProbe(rule, condition.probe, setting, refuse);
    return found;
  }
  const { metric, target } = condition;
  const isCounted = setting.givesCounts(metric);
  if (mode?.kind === "confident" && !isCounted)
    refuse(
      "its source gives no counts, so that there are no odds to speak of",
      `write strictly; ${RATIO} have counts`,
    );
  if (target.kind === "baseline" && !setting.hasBaseline(condition))
    refuse("there is no way to capture its baseline", "pin one, or watch a source that has a history");
  if ((target.kind === "control" || target.kind === "burn") && !isCounted)
    refuse(`${target.kind} needs counts, which its source does not give`, `use it with ${RATIO}`);
  if (target.kind === "burn" && target.shortMs >= target.longMs)
    refuse("the short window is not shorter than the long one", "write for example over 1h and 5m");
  if (target.kind === "burn" && (target.objectivePercent <= 0 || target.objectivePercent >= 100))
    refuse("the objective must be between 0% and 100%", "write for example burn(99.9%, 30d)");
  if (target.kind === "number" && target.unit === "% of max" && metric.kind !== "gauge")
    refuse("only a gauge has a greatest value", `write ${target.value}%`);
  return found;
}

function checkProbe(
  { hold, kind, mode, sample }: WatchRule,
  probe: string,
  { probes }: RuleSetting,
  refuse: (reason: string, fix: string) => void,
): void {
  if (probes !== undefined && !probes.includes(probe))
    refuse(
      `there is no probe ${probe}`,
      probes.length === 0 ? "declare it under probes" : `probes: ${probes.join(", ")}`,
    );
  if (kind === "expect")
    refuse("a probe is expected to answer anyway", "write when probe(…) fails for 3 of 3");
  if (mode?.kind === "confident") refuse("a probe has no counts", "take confident away");
  if (sample !== undefined) refuse("a probe has no sample", "take min away");
  if (hold?.kind === "for") refuse("a probe fails at looks, not for a time", "write for example for 3 of 3");
}
