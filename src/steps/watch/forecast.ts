import { formatDuration } from "../../lib/duration.ts";
import type { PlanContext, PlanStepInput, StepForecast } from "../../model/step-kind.ts";
import { printRule } from "../../watch/rules/print-rule.ts";
import type { WatchRule } from "../../watch/rules/watch-rule.ts";
import type { Cadence } from "../../watch/statistics/spending.ts";
import { seriesKey } from "./define-watch.ts";
import { NO_LIMIT_MS } from "../no-limit.ts";
import type { WatchFacts } from "./facts.ts";
import { measureBefore } from "./measure-before.ts";
import { oddsLines } from "./odds-lines.ts";
import { sourcesOf } from "./rule-sources.ts";
import { gatingRulesOf, rulesOf, stagesOf, type PlannedWatchStage, type WatchSettings } from "./schema.ts";

/** What is taken as the traffic before: the last hour. */
const BEFORE_MS = 3_600_000;

/** Asks every source once, and measures the traffic before: requirement X4 wants the odds known before the deploy. */
export async function gatherWatch(context: PlanContext<WatchSettings>): Promise<WatchFacts> {
  const { with: settings, sources, target, release, clock, signal, isRecheck } = context;
  const facts: WatchFacts = { before: {}, refused: [] };
  const traffic = await target.traffic().catch(() => undefined);
  const live = traffic?.state === "present" ? traffic.value.routes.filter(({ percent }) => percent > 0) : [];
  const serving = live.toSorted((a, b) => b.percent - a.percent)[0]?.release;
  const nowMs = clock.now().getTime();
  const metrics = new Map<string, { source: (typeof sources)[string]; rules: WatchRule[] }>();
  for (const { rule } of rulesOf(settings)) {
    const found = sourcesOf(rule, sources);
    if ("reason" in found) {
      facts.refused.push({ ...found, isLasting: true });
      continue;
    }
    for (const { source } of found.sources) {
      const known = metrics.get(source.name) ?? { source, rules: [] };
      known.rules.push(rule);
      metrics.set(source.name, known);
    }
  }
  for (const [name, { source, rules }] of metrics) {
    const asked = rules.flatMap(({ condition }) => (condition.kind === "measure" ? [condition.metric] : []));
    const checked = await source.check(asked, serving ?? release, signal);
    // Before the first release there may be nothing that could answer.
    if (checked.verdict === "unknown" && serving === undefined) continue;
    if (checked.verdict !== "pass") {
      const fix = checked.verdict === "fail" ? `correct signals.${name}` : `plan again when ${name} answers`;
      facts.refused.push({
        reason: `${name}: ${checked.reason}`,
        fix,
        isLasting: checked.verdict === "fail",
      });
      continue;
    }
    if (isRecheck === true) continue;
    for (const rule of rules) {
      if (rule.condition.kind !== "measure" || serving === undefined || source.traits.history !== "range")
        continue;
      const span = { fromMs: nowMs - BEFORE_MS, toMs: nowMs };
      const key = seriesKey(name, rule);
      if (facts.before[key] !== undefined) continue;
      const { metric } = rule.condition;
      const before = await measureBefore(source, metric, serving, span, signal);
      const isShared = before.state === "counts" && source.gives(metric)?.perRelease === false;
      facts.before[key] = isShared ? { ...before, isShared } : before;
    }
  }
  return facts;
}

export function forecastWatch(input: PlanStepInput<WatchSettings, WatchFacts | null>): StepForecast {
  const { with: settings, facts } = input;
  const stages = stagesOf(settings);
  const durationMs = stages.at(-1)!.untilMs;
  const rules = rulesOf(settings);
  const gatingRules = gatingRulesOf(rules);
  return {
    summary: [
      `watches for ${formatDuration(durationMs)}: ${stages.map(({ fromMs, untilMs, everyMs }) => `${formatDuration(fromMs)} to ${formatDuration(untilMs)} every ${formatDuration(everyMs)}`).join(", ")}`,
      ...rules.flatMap(({ rule, isShadow, fromMs, untilMs }) => [
        `${printRule(rule)}${isShadow ? " (shadow: only written down)" : ""}`,
        ...oddsLines({
          rule,
          lengthMs: untilMs - fromMs,
          cadences: cadencesOf(stages, fromMs, untilMs),
          gatingRules,
          settings,
          facts,
          trafficPercent: input.trafficPercent,
          isFirst: input.previousRelease === undefined,
        }).map((line) => `  ${line}`),
      ]),
    ],
    risk: "low",
    durationMs,
    timeoutMs: NO_LIMIT_MS,
    undo: { how: "none-needed", text: "only looks" },
    inputs: [
      { name: `signals of ${rules.map(({ rule }) => rule.name).join(", ")}`, digest: lastingOf(facts) },
    ],
    blocked: (facts?.refused ?? []).map(({ reason, fix }) => ({ reason, fix })),
  };
}

/** How often a rule looks, from its own beginning. */
function cadencesOf(stages: readonly PlannedWatchStage[], fromMs: number, untilMs: number): Cadence[] {
  return stages
    .filter((stage) => stage.fromMs < untilMs && stage.untilMs > fromMs)
    .map((stage) => ({ untilMs: stage.untilMs - fromMs, everyMs: stage.everyMs }));
}

/** What only does not answer just now is no other configuration: the watch itself says when it cannot see. */
function lastingOf(facts: WatchFacts | null): string {
  const lasting = (facts?.refused ?? []).filter(({ isLasting }) => isLasting);
  return lasting.length === 0 ? "can be asked" : lasting.map(({ reason }) => reason).join("; ");
}
