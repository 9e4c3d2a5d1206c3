import { closest } from "../../lib/did-you-mean.ts";
import { printMetric } from "../../model/metric.ts";
import type { Given, SignalSource } from "../../model/signal-source.ts";
import { METRIC_WORDS } from "../../watch/rules/parse-condition.ts";
import { checkRule } from "../../watch/rules/check-rule.ts";
import type { WatchRule } from "../../watch/rules/watch-rule.ts";

/** A source that a rule asks, and what it gives of the rule's metric. */
export interface AskedSource {
  source: SignalSource;
  given: Given;
}

export type FoundSources = { sources: AskedSource[] } | { reason: string; fix: string };

/**
 * Which sources a rule asks: those that it names, else the only one that gives its metric. Rules about probes ask
 * none. Answers with why a rule cannot be watched as it is written.
 */
export function sourcesOf(rule: WatchRule, known: Readonly<Record<string, SignalSource>>): FoundSources {
  const { condition } = rule;
  if (condition.kind === "probe") return { sources: [] };
  const { metric, from } = condition;
  const text = printMetric(metric);
  const giving = Object.values(known).flatMap((source): AskedSource[] => {
    const given = source.gives(metric);
    return given === undefined ? [] : [{ source, given }];
  });
  const names = giving.map(({ source }) => source.name);
  const chosen = from ?? names;
  const meant = metric.kind === "query" ? closest(metric.name, METRIC_WORDS) : undefined;
  const fix =
    names.length === 0
      ? `${meant === undefined ? "" : `did you mean ${meant}? Otherwise `}declare it under the environment's signals`
      : `sources that give it: ${names.join(", ")}`;
  if (chosen.length === 0) return { reason: `${rule.name}: no source gives ${text}`, fix };
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const what = Object.hasOwn(known, unknown)
      ? `${unknown} does not give ${text}`
      : `there is no source ${unknown}`;
    return { reason: `${rule.name}: ${what}`, fix };
  }
  if (from === undefined && names.length > 1)
    return {
      reason: `${rule.name}: ${names.join(" and ")} give ${text}`,
      fix: `write ${text} from ${names[0]!}`,
    };
  const sources = chosen.map((name) => giving.find(({ source }) => source.name === name)!);
  const refusal = sources.flatMap(({ source, given }) => refusalsOf(rule, source, given))[0];
  return refusal ?? { sources };
}

function refusalsOf(rule: WatchRule, source: SignalSource, given: Given): { reason: string; fix: string }[] {
  const { condition } = rule;
  const refusals = checkRule(rule, {
    givesCounts: () => given.form === "counts",
    hasBaseline: (measured) =>
      measured.target.kind === "baseline" &&
      (measured.target.from.kind === "pinned" ? given.form === "counts" : source.traits.history === "range"),
  });
  if (condition.kind === "measure" && condition.target.kind === "control" && !given.perRelease)
    refusals.push({
      reason: `${rule.name}: ${source.name} does not tell the releases apart`,
      fix: "let its query name {release}",
    });
  const unit =
    condition.kind === "measure" && condition.target.kind === "number" ? condition.target.unit : "%";
  if (given.form === "counts" && unit !== "%")
    refusals.push({
      reason: `${rule.name}: ${source.name} gives a share`,
      fix: "hold it against a percentage",
    });
  return refusals;
}
