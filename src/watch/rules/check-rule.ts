import { suggest } from "../../lib/did-you-mean.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { Metric } from "../../model/metric.ts";
import { printHold } from "./print-rule.ts";
import type { Condition, WatchRule } from "./watch-rule.ts";

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
  /** The part of the rule's text that is meant, as it is printed. */
  word?: string;
}

type Refuse = (reason: string, fix: string, word?: string) => void;

const RATIO = "error_rate, share(latency > …) and declared queries with counts";

/** Pure: why a rule that parses cannot do what it says; empty when it can. All reasons at once. */
export function checkRule(rule: WatchRule, setting: RuleSetting): RuleRefusal[] {
  const found: RuleRefusal[] = [];
  const refuse: Refuse = (reason, fix, word) =>
    void found.push({ reason: `${rule.name}: ${reason}`, fix, ...(word === undefined ? {} : { word }) });
  const { condition, hold, kind, action, mode } = rule;

  if (hold?.kind === "for" && setting.stageMs !== undefined && hold.ms > setting.stageMs)
    refuse(
      `it must hold for ${formatDuration(hold.ms)}, and the stage is ${formatDuration(setting.stageMs)} long`,
      "make the stage longer or the time shorter",
      printHold(hold),
    );
  if (kind === "expect" && action === "rollback")
    refuse(
      "what was not shown to be good is no reason to roll back",
      "write -> fail-gate or -> hold, or a when rule",
      "-> rollback",
    );
  if (kind === "when" && action === "fail-gate")
    refuse(
      "fail-gate is what an expect rule does",
      "write expect, or -> rollback or -> hold",
      "-> fail-gate",
    );
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
  if ("floor" in target && (kind === "when") === condition.compare.startsWith("<"))
    refuse(
      "a floor is for rules about too much, below which nothing is wrong",
      "take the floor away",
      `floor ${target.floor}%`,
    );
  checkSample(rule, metric, isCounted, refuse);
  return found;
}

function checkSample({ sample }: WatchRule, metric: Metric, isCounted: boolean, refuse: Refuse): void {
  if (sample === undefined) return;
  const { least, unit } = sample;
  const word = `min ${least} ${unit}`;
  if (metric.kind === "count") refuse("a count is its own sample", `take ${word} away`, word);
  else if (isCounted && unit === "points")
    refuse("its source counts requests, not points", `write min ${least} requests`, word);
  else if (!isCounted && unit === "requests")
    refuse("its source does not say how many requests there were", `write min ${least} points`, word);
}

function checkProbe(
  { hold, kind, mode, sample }: WatchRule,
  probe: string,
  { probes }: RuleSetting,
  refuse: Refuse,
): void {
  if (probes !== undefined && !probes.includes(probe))
    refuse(
      `there is no probe ${probe}`,
      suggest(probe, probes, "probes") || "declare it under probes",
      probe,
    );
  if (kind === "expect")
    refuse("a probe is expected to answer anyway", "write when probe(…) fails for 3 of 3");
  if (mode?.kind === "confident") refuse("a probe has no counts", "take confident away");
  if (sample !== undefined) refuse("a probe has no sample", "take min away");
  if (hold?.kind === "for") refuse("a probe fails at looks, not for a time", "write for example for 3 of 3");
}
