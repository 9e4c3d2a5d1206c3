import { formatDuration } from "../../lib/duration.ts";
import { isGating, type RuleDefinition } from "../../watch/fold/definition.ts";
import { isTrafficCliff } from "../../watch/fold/blindness.ts";
import { isHeld, splitProblem } from "../../watch/fold/rule-verdict.ts";
import { endMsOf, judgeWatch, type WatchJudgement } from "../../watch/fold/watch-state.ts";
import { failureText } from "../../watch/fold/words.ts";
import { printRule } from "../../watch/rules/print-rule.ts";
import type { Policy, PolicyName } from "../../watch/rules/watch-rule.ts";
import type { SavedWatch } from "./saved-watch.ts";
import type { WatchSettings } from "./schema.ts";

/** Why a watch cannot just go on. */
export type Stop =
  /** What a rule is about has happened. */
  | { why: "failed"; key: string; rule: string; text: string; action: "rollback" | "fail-gate" | "hold" }
  /** It is not known whether all is good, and somebody has to say what follows. */
  | {
      why: "blind" | "cliff" | "split" | "inconclusive" | "moved";
      key: string;
      rule?: string;
      text: string;
      policy: Policy;
    }
  | { why: "passed"; key: string; text: string };

/** While blind: so long until it is decided what follows, when the old release still has traffic and when not. */
const ESCALATE_PARTIAL_MS = 10 * 60_000;
const ESCALATE_WHOLE_MS = 30 * 60_000;
const POLICY_KEYS = {
  "on-blind": "onBlind",
  "on-nodata": "onNodata",
  "on-inconclusive": "onInconclusive",
} as const;

export function judge(saved: SavedWatch, nowMs: number): WatchJudgement {
  const { definition, watch, extendedMs, pausedMs, accepted } = saved;
  const moment = { nowMs, endMs: endMsOf(definition) + extendedMs, pausedMs };
  return judgeWatch(definition, watch, moment, Object.keys(accepted));
}

/** The verdicts as they would be if the watch ended now. */
export function judgeAsEnded(saved: SavedWatch, nowMs: number): WatchJudgement {
  const { definition, watch, pausedMs, accepted } = saved;
  const rules = definition.rules.map((own) => ({ ...own, untilMs: Math.min(own.untilMs, nowMs) }));
  const stages = definition.stages
    .filter(({ fromMs }) => fromMs < nowMs)
    .map((stage) => ({ ...stage, untilMs: Math.min(stage.untilMs, nowMs) }));
  const ended = { ...definition, rules, stages };
  return judgeWatch(ended, watch, { nowMs, endMs: nowMs, pausedMs }, Object.keys(accepted));
}

/**
 * What stops the watch now, the most urgent first: undefined while it goes on. Being blind never rolls back and never
 * goes on; what follows from it is a policy, and the default is to ask.
 */
export function findStop(
  saved: SavedWatch,
  settings: WatchSettings,
  judgement: WatchJudgement,
  world: { nowMs: number; moved: string | undefined; release: string },
): Stop | undefined {
  const { definition, accepted } = saved;
  const gating = definition.rules.filter((own) => isGating(own) && accepted[own.rule.name] === undefined);
  const failed = definition.rules.filter(
    (own) => canFail(saved, own) && judgement.rules[own.rule.name]?.verdict === "FAIL",
  );
  for (const action of ["rollback", "fail-gate", "hold"] as const) {
    const own = failed.find(({ rule }) => rule.action === action);
    if (own === undefined) continue;
    const { name } = own.rule;
    const text = `${name}: ${judgement.rules[name]!.reason}`;
    return { why: "failed", key: `failed ${name}`, rule: name, text, action };
  }
  if (saved.fallback.failure !== null && accepted[FALLBACK] === undefined) {
    const text = `the public address, asked while the signals are blind, failed: ${saved.fallback.failure.reason}`;
    return { why: "failed", key: `failed ${FALLBACK}`, rule: FALLBACK, text, action: "rollback" };
  }
  if (world.moved !== undefined && accepted[LIVE] === undefined)
    return { why: "moved", key: `moved ${world.moved}`, rule: LIVE, text: world.moved, policy: "hold" };
  const blind = gating.find(({ rule }) => judgement.rules[rule.name]?.verdict === "BLIND");
  if (blind !== undefined && isEscalated(saved, blind, world)) {
    const { name } = blind.rule;
    const text = `${name} cannot be seen: ${judgement.rules[name]!.reason}`;
    return {
      why: "blind",
      key: `blind ${name}`,
      rule: name,
      text,
      policy: policyOf(blind, "on-blind", settings),
    };
  }
  const cliff = gating.find((own) => hasCliff(saved, own));
  if (cliff !== undefined) {
    const { name } = cliff.rule;
    const text = `${name}: requests have stopped, and its source answers`;
    return {
      why: "cliff",
      key: `cliff ${name}`,
      rule: name,
      text,
      policy: policyOf(cliff, "on-nodata", settings),
    };
  }
  const split = gating.find((own) => splitOf(saved, own) !== undefined);
  if (split !== undefined) {
    const { name } = split.rule;
    const text = `${name} cannot act: ${splitOf(saved, split)}`;
    return {
      why: "split",
      key: `split ${name}`,
      rule: name,
      text,
      policy: policyOf(split, "on-inconclusive", settings),
    };
  }
  const { verdict, reason } = judgement;
  if (verdict === "PASS") return { why: "passed", key: "passed", text: reason };
  if (verdict !== "INCONCLUSIVE") return undefined;
  const undecided = gating.filter(({ rule }) => judgement.rules[rule.name]?.verdict === "INCONCLUSIVE");
  const isOver = world.nowMs >= endMsOf(definition) + saved.extendedMs;
  const ending = undecided.filter(({ untilMs }) => isOver || untilMs < endMsOf(definition));
  if (ending.length === 0 && !isOver) return undefined;
  const policies = ending.map((own) => policyOf(own, "on-inconclusive", settings));
  const policy = policies.includes("rollback")
    ? "rollback"
    : (policies.find((each) => each !== "hold") ?? "hold");
  const rules = ending.map(({ rule }) => rule.name).join(", ");
  return { why: "inconclusive", key: `inconclusive ${rules}`, text: `not proven good: ${reason}`, policy };
}

/** Whether a breach of the rule still counts: not when a person saw it and let it stand. */
function canFail({ accepted }: SavedWatch, own: RuleDefinition): boolean {
  const acceptance = accepted[own.rule.name];
  return isGating(own) && (acceptance === undefined || acceptance.isUnseen === true);
}

/** What a rule says is to be done when it could not be told, or else the settings. */
export function policyOf({ rule }: RuleDefinition, policy: PolicyName, settings: WatchSettings): Policy {
  return rule.policies[policy] ?? settings[POLICY_KEYS[policy]];
}

/** When it is decided what follows from a rule's being blind. A source that will never answer is told at once: waiting changes nothing. */
export function escalatesAtMs(
  { watch, blindSinceMs, routes }: SavedWatch,
  { rule }: RuleDefinition,
  { nowMs, release }: { nowMs: number; release: string },
): number {
  const states = Object.values(watch.rules[rule.name] ?? {});
  if (states.some(({ blind }) => blind?.isLasting === true)) return nowMs;
  const isWhole = routes?.some((route) => route.release === release && route.percent === 100) ?? false;
  return blindSinceMs === null
    ? Infinity
    : blindSinceMs + (isWhole ? ESCALATE_WHOLE_MS : ESCALATE_PARTIAL_MS);
}

/** By these names a person's word about what is no rule is kept. */
export const FALLBACK = "public-address";
const LIVE = "live-traffic";

/** Gating rules that are blind now. */
export function blindRules(saved: SavedWatch, judgement: WatchJudgement): string[] {
  return saved.definition.rules
    .filter((own) => isGating(own) && saved.accepted[own.rule.name] === undefined)
    .map(({ rule }) => rule.name)
    .filter((name) => judgement.rules[name]?.verdict === "BLIND");
}

/** Whether a rule has evidence that is too strong to go on with. */
export function hasHeldRule(saved: SavedWatch): boolean {
  const { definition, watch } = saved;
  return definition.rules.some(
    (own) =>
      canFail(saved, own) &&
      own.sources.some((source) => {
        const state = watch.rules[own.rule.name]?.[source.name];
        return state !== undefined && state.failure === null && isHeld(definition, source, state);
      }),
  );
}

function splitOf({ watch }: SavedWatch, own: RuleDefinition): string | undefined {
  return splitProblem(own, watch.rules[own.rule.name]);
}

/** What is to be told to people once, beside the decision: rules that are switched off, or that page or note, also what shadow rules would have done. */
export function newsOf(
  saved: SavedWatch,
  judgement: WatchJudgement,
): { key: string; isPage: boolean; text: string }[] {
  return saved.definition.rules.flatMap((own) => {
    const { rule, isShadow } = own;
    const split = saved.accepted[rule.name] === undefined ? splitOf(saved, own) : undefined;
    if (split !== undefined) {
      const isPage = !isShadow && rule.action !== "note";
      return [{ key: `split ${rule.name}`, isPage, text: `${rule.name} cannot act: ${split}` }];
    }
    if (isGating(own)) return [];
    const verdict = judgement.rules[rule.name];
    if (verdict?.verdict !== "FAIL") return [];
    const key = `${isShadow ? "shadow" : rule.action} ${rule.name}`;
    const would = isShadow ? ` (shadow: would have done ${rule.action})` : "";
    return [
      { key, isPage: rule.action === "page" && !isShadow, text: `${rule.name}: ${verdict.reason}${would}` },
    ];
  });
}

/** For the step's result: what failed, so that after the rollback it can be looked at again. */
export function failedRuleOf(
  saved: SavedWatch,
  name: string,
): { name: string; text: string; source: string } | undefined {
  const own = saved.definition.rules.find(({ rule }) => rule.name === name);
  if (own === undefined) return undefined;
  const failing = own.sources.find(({ name: source }) => saved.watch.rules[name]?.[source]?.failure !== null);
  return { name, text: printRule(own.rule), source: failing?.name ?? own.sources[0]?.name ?? "" };
}

/** With its numbers, also when a person lets it stand. */
export function strictText({ definition, watch }: SavedWatch): string[] {
  return definition.rules.flatMap(({ rule, sources }) =>
    sources.flatMap(({ name, test }) => {
      const state = watch.rules[rule.name]?.[name];
      const atMs = state?.literal.failedAtMs;
      if (state?.confident === undefined || atMs === undefined || atMs === null) return [];
      const acted = state.failure === null ? "evidence did not" : failureText(rule, test, state.failure);
      return [
        `${rule.name}: taken literally it would have acted at ${new Date(atMs).toISOString()}; ${acted}`,
      ];
    }),
  );
}

function hasCliff({ definition, watch }: SavedWatch, { rule, sources, untilMs }: RuleDefinition): boolean {
  return sources.some(({ name, usualPerMinute }) => {
    const state = watch.rules[rule.name]?.[name];
    if (state === undefined) return false;
    const newestMs = Math.max(state.cursorMs, state.tick?.atMs ?? definition.startedAtMs);
    return newestMs <= untilMs && isTrafficCliff(state, usualPerMinute, newestMs);
  });
}

function isEscalated(
  saved: SavedWatch,
  blind: RuleDefinition,
  world: { nowMs: number; release: string },
): boolean {
  return world.nowMs >= escalatesAtMs(saved, blind, world);
}

/** "blind for 3 min; asking the public address instead" */
export function blindText({ blindSinceMs }: SavedWatch, nowMs: number): string | undefined {
  if (blindSinceMs === null) return undefined;
  return `blind for ${formatDuration(nowMs - blindSinceMs)}; the clock stands still and the public address is asked instead`;
}
