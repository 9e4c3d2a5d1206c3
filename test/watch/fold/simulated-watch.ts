import { isGating, type RuleDefinition, type WatchDefinition } from "../../../src/watch/fold/definition.ts";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import { resolveTest, type RuleWorld } from "../../../src/watch/fold/resolve-test.ts";
import type { RuleState } from "../../../src/watch/fold/rule-state.ts";
import type { Moment, RuleVerdict } from "../../../src/watch/fold/rule-verdict.ts";
import {
  endMsOf,
  initialWatch,
  judgeWatch,
  takeLook,
  type WatchState,
} from "../../../src/watch/fold/watch-state.ts";
import { parseRule } from "../../../src/watch/rules/parse-rule.ts";
import type { WatchRule } from "../../../src/watch/rules/watch-rule.ts";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A rule in its text form, with what its watch knows of it. */
export interface RuleSetup extends Partial<RuleWorld> {
  text: string;
  sources?: readonly string[];
  usualPerMinute?: number;
  lagMs?: number;
  isShadow?: boolean;
  fromMs?: number;
  untilMs?: number;
}

export interface WatchSetup {
  durationMs?: number;
  everyMs?: number;
  minBlockMs?: number;
}

const parsedRules = new Map<string, WatchRule>();

export function ruleOf(text: string): WatchRule {
  const known = parsedRules.get(text);
  if (known !== undefined) return known;
  const parsed = parseRule(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  parsedRules.set(text, parsed.rule);
  return parsed.rule;
}

/** A watch of one stage that begins at 0. */
export function watchOf(
  rules: readonly (string | RuleSetup)[],
  { durationMs = 30 * MINUTE, everyMs = MINUTE, minBlockMs = 0 }: WatchSetup = {},
): WatchDefinition {
  const definitions = rules.map((each): RuleDefinition => {
    const setup = typeof each === "string" ? { text: each } : each;
    const rule = ruleOf(setup.text);
    const { form = "counts", before, exposure, lagMs = 0, usualPerMinute } = setup;
    const test = resolveTest(rule, { form, before, exposure });
    return {
      rule,
      fromMs: setup.fromMs ?? 0,
      untilMs: setup.untilMs ?? durationMs,
      isShadow: setup.isShadow ?? false,
      sources: (setup.sources ?? ["prom"]).map((name) => ({
        name,
        lagMs,
        test,
        ...(usualPerMinute === undefined ? {} : { usualPerMinute }),
      })),
    };
  });
  return {
    startedAtMs: 0,
    stages: [{ name: "watch", fromMs: 0, untilMs: durationMs, everyMs }],
    rules: definitions,
    gatingRules: definitions.filter(isGating).length,
    minBlockMs,
  };
}

export interface Span {
  fromMs: number;
  toMs: number;
  everyMs?: number;
  rule?: string;
  source?: string;
}

/** Looks one after another, all of them at what `seenAt` gives for their end. */
export function looksOf(
  { fromMs, toMs, everyMs = MINUTE, rule = "r", source = "prom" }: Span,
  seenAt: (toMs: number) => Seen | { seen: Seen; control: Seen },
): Look[] {
  return Array.from({ length: Math.ceil((toMs - fromMs) / everyMs) }, (_, index): Look => {
    const from = fromMs + index * everyMs;
    const to = Math.min(toMs, from + everyMs);
    const answer = seenAt(to);
    const seen = "seen" in answer ? answer : { seen: answer };
    return { rule, source, fromMs: from, toMs: to, askedAtMs: to, ...seen };
  });
}

export function counts(bad: number, total: number): Seen {
  return { state: "counts", bad, total };
}

export function value(of: number, max?: number): Seen {
  return { state: "value", value: of, ...(max === undefined ? {} : { max }) };
}

export const refused: Seen = { state: "error", reason: "connection refused", isLasting: false };
export const nothingThere: Seen = { state: "no-data", reason: "an empty series", isAlive: true };

export function folded(
  watch: WatchDefinition,
  looks: readonly Look[],
  state = initialWatch(watch),
): WatchState {
  return looks.reduce((before, look) => takeLook(watch, before, look), state);
}

export function stateOf(state: WatchState, rule = "r", source = "prom"): RuleState {
  return state.rules[rule]![source]!;
}

/** The verdict of one rule at its end, or at another time. */
export function verdictOf(
  watch: WatchDefinition,
  state: WatchState,
  {
    rule = "r",
    endMs = endMsOf(watch),
    nowMs = endMs,
    pausedMs = 0,
  }: Partial<Moment> & { rule?: string } = {},
): RuleVerdict {
  return judgeWatch(watch, state, { nowMs, endMs, pausedMs }).rules[rule]!;
}
