import { endsWithWatch, isGating, type RuleDefinition, type WatchDefinition } from "./definition.ts";
import { foldLook } from "./fold-look.ts";
import type { Look } from "./look.ts";
import { foldProbe, initialProbeState, type ProbeOutcome, type ProbeState } from "./probe-state.ts";
import { judgeProbe } from "./probe-verdict.ts";
import { initialRuleState, type RuleState } from "./rule-state.ts";
import { judgeRule, type Moment, type RuleVerdict } from "./rule-verdict.ts";

/** Everything that a watch has learned, by rule and source; rules about probes apart. Plain JSON. */
export interface WatchState {
  rules: Record<string, Record<string, RuleState>>;
  probes: Record<string, ProbeState>;
}

export function initialWatch(definition: WatchDefinition): WatchState {
  const measured = definition.rules.filter(({ rule }) => rule.condition.kind === "measure");
  const probed = definition.rules.filter(({ rule }) => rule.condition.kind === "probe");
  return {
    rules: Object.fromEntries(
      measured.map(({ rule, sources, fromMs }) => [
        rule.name,
        Object.fromEntries(sources.map(({ name, test }) => [name, initialRuleState(fromMs, test)])),
      ]),
    ),
    probes: Object.fromEntries(probed.map(({ rule }) => [rule.name, initialProbeState])),
  };
}

/** The state after one more look. A look at a rule or source that the watch does not have changes nothing. */
export function takeLook(definition: WatchDefinition, state: WatchState, look: Look): WatchState {
  const own = definition.rules.find(({ rule }) => rule.name === look.rule);
  const source = own?.sources.find(({ name }) => name === look.source);
  const before = state.rules[look.rule]?.[look.source];
  if (own === undefined || source === undefined || before === undefined) return state;
  const after = foldLook(definition, own, source, before, look);
  if (after === before) return state;
  const sources = { ...state.rules[look.rule], [look.source]: after };
  return { ...state, rules: { ...state.rules, [look.rule]: sources } };
}

/** The state after a probe answered; `rule` is the name of the rule about it. Outside of its time nothing changes. */
export function takeProbe(
  definition: WatchDefinition,
  state: WatchState,
  rule: string,
  outcome: ProbeOutcome,
  atMs: number,
): WatchState {
  const own = definition.rules.find((one) => one.rule.name === rule);
  const before = state.probes[rule];
  if (own === undefined || before === undefined) return state;
  if (atMs < own.fromMs || (atMs > own.untilMs && !endsWithWatch(definition, own))) return state;
  return { ...state, probes: { ...state.probes, [rule]: foldProbe(own.rule, before, outcome, atMs) } };
}

export type WatchVerdict = RuleVerdict["verdict"];

export interface WatchJudgement {
  verdict: WatchVerdict;
  /** A sentence: what decides it, with its numbers. */
  reason: string;
  rules: Record<string, RuleVerdict>;
}

/**
 * The verdict of the watch: the worst of its gating rules. Rules that only tell, shadow rules and those that a person
 * accepted are judged too, and do not count. Before `endMs` it passes never.
 */
export function judgeWatch(
  definition: WatchDefinition,
  state: WatchState,
  moment: Moment,
  accepted: readonly string[] = [],
): WatchJudgement {
  const prolongedMs = moment.endMs - endMsOf(definition);
  const rules = Object.fromEntries(
    definition.rules.map((own) => {
      const { nowMs, pausedMs = 0 } = moment;
      const at = endsWithWatch(definition, own)
        ? { nowMs, endMs: own.untilMs + prolongedMs, pausedMs }
        : { nowMs, endMs: own.untilMs };
      const probe = state.probes[own.rule.name];
      const verdict =
        own.rule.condition.kind === "probe"
          ? judgeProbe(definition, own, probe, at)
          : judgeRule(definition, own, state.rules[own.rule.name] ?? {}, at);
      return [own.rule.name, verdict] as const;
    }),
  );
  const gating = definition.rules.filter((own) => isGating(own) && !accepted.includes(own.rule.name));
  for (const verdict of ["FAIL", "BLIND", "INCONCLUSIVE", "PENDING"] as const) {
    const worst = gating.filter(({ rule }) => rules[rule.name]!.verdict === verdict);
    if (worst.length > 0) return { verdict, reason: sentenceOf(worst, rules), rules };
  }
  if (moment.nowMs < moment.endMs) return { verdict: "PENDING", reason: "the watch goes on", rules };
  if (gating.length === 0 && accepted.length === 0)
    return { verdict: "INCONCLUSIVE", reason: "there is no rule that could stop it", rules };
  const passed = sentenceOf(gating, rules);
  const stands = accepted.length === 0 ? "" : `accepted: ${accepted.join(", ")}`;
  return { verdict: "PASS", reason: [passed, stands].filter((text) => text !== "").join("; "), rules };
}

/** When the watch is over, if nothing prolongs it. */
export function endMsOf({ stages, startedAtMs }: WatchDefinition): number {
  return stages.at(-1)?.untilMs ?? startedAtMs;
}

function sentenceOf(
  definitions: readonly RuleDefinition[],
  rules: Readonly<Record<string, RuleVerdict>>,
): string {
  return definitions.map(({ rule }) => `${rule.name}: ${rules[rule.name]!.reason}`).join("; ");
}
