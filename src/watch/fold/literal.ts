import type { Block } from "../statistics/block-evidence.ts";
import type { Added } from "./added.ts";
import { leastOf, windowMsOf, type RuleDefinition, type RuleTest } from "./definition.ts";
import { isOverLimit } from "./limit.ts";
import type { LiteralState } from "./rule-state.ts";
import { sumOver, withSample } from "./samples.ts";

/** The literal reading of a rule after a look. */
export interface LiteralReading {
  state: LiteralState;
  /** Whether it is on the bad side of its limit; undefined while there is too little to say. */
  isBreach: boolean | undefined;
  value: number | undefined;
  /** Requests or points in the window. */
  count: number;
  bad: number;
  /** It breaks the rule now, for as long as the rule says. */
  hasFailed: boolean;
  heldMs: number;
}

/** A hold survives a time in which nobody looked, without counting it, if it is no longer than this. */
const MAX_FROZEN_MS = 3_600_000;

/**
 * Takes a look in as the rule is written: the value over its window crosses the limit, at every look, for as long as
 * it says. Looks that were not answered neither end nor lengthen the hold, and neither does a look that covers more time
 * than the rule is about: what happened inside of it is not known. The meaning of `for` is that of Prometheus
 * (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/).
 */
export function readLiterally(
  definition: RuleDefinition,
  test: RuleTest,
  before: LiteralState,
  gapMs: number,
  added: Added,
): LiteralReading {
  const { rule } = definition;
  const { windowMs, ...windows } = windowsOf(definition, test);
  const samples = withSample(before.samples, added, windows);
  const pooled = sumOver(samples, windowMs);
  const count = pooled.total;
  const value = valueOf(definition, test, pooled, added);
  const isJudged = value !== undefined && (test.how === "events" || count >= leastOf(rule, test));
  const isOver = isJudged ? isOverLimit(rule, test, samples, value, windowMs) : undefined;
  const isBreach = isOver === undefined ? undefined : rule.kind === "when" ? isOver : !isOver;
  const holdMs = rule.hold?.kind === "for" ? rule.hold.ms : 0;
  const isVague = added.toMs - added.fromMs > Math.max(windowMs, holdMs);
  const hold = isBreach === true ? nextHold(before.hold, gapMs, isVague, added) : null;
  const recent = nextRecent(definition, before.recent, isBreach);
  const hasFailed = isBreach === true && holds(definition, hold?.heldMs ?? 0, recent);
  const state: LiteralState = {
    samples,
    hold,
    recent,
    failedAtMs: before.failedAtMs ?? (hasFailed ? added.toMs : null),
    goodSinceMs: isBreach === false ? nextGoodSince(before.goodSinceMs, gapMs, isVague, added) : null,
    lastBad: isBreach === true ? { atMs: added.toMs, value: value ?? 0 } : before.lastBad,
  };
  return { state, isBreach, value, count, bad: pooled.bad, hasFailed, heldMs: hold?.heldMs ?? 0 };
}

/** Whether the rule is judged once, at its end, by everything since its beginning. */
export function isAboutWhole({ rule }: RuleDefinition, test: RuleTest): boolean {
  const { condition, hold, kind } = rule;
  const overMs = condition.kind === "measure" ? condition.overMs : undefined;
  return (test.how === "events" || kind === "expect") && overMs === undefined && hold === undefined;
}

/** The window of the rule's value in ms; for how long samples must be kept, and which part of that is needed exactly. */
export function windowsOf(
  definition: RuleDefinition,
  test: RuleTest,
): { windowMs: number; fineMs: number; keepMs: number } {
  if (test.how === "share" && test.burn !== undefined) {
    const { longMs, shortMs } = test.burn;
    return { windowMs: longMs, fineMs: shortMs, keepMs: longMs };
  }
  const { rule, fromMs, untilMs } = definition;
  const windowMs = isAboutWhole(definition, test) ? Math.max(1, untilMs - fromMs) : windowMsOf(rule);
  // What is to be proven is about the whole time for which it must hold.
  const provenMs = rule.kind === "expect" && rule.hold?.kind === "for" ? rule.hold.ms : 0;
  return { windowMs, fineMs: windowMs, keepMs: Math.max(windowMs, provenMs) };
}

/** A value with `over` is the mean over its window, otherwise the newest; everything else is pooled over its window. */
function valueOf(
  definition: RuleDefinition,
  test: RuleTest,
  pooled: Block,
  { release }: Added,
): number | undefined {
  const { condition } = definition.rule;
  switch (test.how) {
    case "share":
    case "control":
      return pooled.total > 0 ? (100 * pooled.bad) / pooled.total : undefined;
    case "events":
      return pooled.bad;
    case "value": {
      const isMean =
        (condition.kind === "measure" && condition.overMs !== undefined) || isAboutWhole(definition, test);
      return isMean ? pooled.bad / pooled.total : release.bad;
    }
    case "undecidable":
      return undefined;
  }
}

function nextHold(
  before: LiteralState["hold"],
  gapMs: number,
  isVague: boolean,
  { fromMs, toMs }: Added,
): LiteralState["hold"] {
  const frozenMs = gapMs + (isVague ? toMs - fromMs : 0);
  if (before === null || frozenMs > MAX_FROZEN_MS) return { sinceMs: toMs, heldMs: 0 };
  return { sinceMs: before.sinceMs, heldMs: before.heldMs + (isVague ? 0 : toMs - fromMs) };
}

function nextGoodSince(before: number | null, gapMs: number, isVague: boolean, added: Added): number {
  if (isVague) return added.toMs;
  return before === null || gapMs > 0 ? added.fromMs : before;
}

function nextRecent(
  { rule }: RuleDefinition,
  recent: readonly boolean[],
  isBreach: boolean | undefined,
): boolean[] {
  if (rule.hold?.kind !== "of" || isBreach === undefined) return [...recent];
  return [...recent, isBreach].slice(-rule.hold.looks);
}

function holds({ rule: { hold } }: RuleDefinition, heldMs: number, recent: readonly boolean[]): boolean {
  if (hold === undefined) return true;
  return hold.kind === "for" ? heldMs >= hold.ms : recent.filter(Boolean).length >= hold.bad;
}
