import type { Block } from "../statistics/block-evidence.ts";
import { addedBy, type Added } from "./added.ts";
import { isTrafficCliff } from "./blindness.ts";
import { gather, plus, thresholdsOf } from "./confident.ts";
import {
  endsWithWatch,
  type RuleDefinition,
  type RuleSource,
  type RuleTest,
  type WatchDefinition,
} from "./definition.ts";
import { readLiterally, windowsOf, type LiteralReading } from "./literal.ts";
import { isFinal, type Look, type Seen } from "./look.ts";
import type { Failure, RuleState, Tick } from "./rule-state.ts";
import { controlOver } from "./samples.ts";
import { isSplitKnown, splitWith, wrongSplit } from "./split.ts";

/**
 * The state of a rule after one more look at one of its sources. Pure; no clock: what a watch knows depends on its
 * looks alone, so that a watch which was interrupted and asks its source for what it missed ends in the same state, to
 * the byte. A look that reaches back into what is known changes nothing, nor does one after the rule's time. Looks that
 * were not answered leave their time open: a later answer about it still counts.
 */
export function foldLook(
  watch: WatchDefinition,
  definition: RuleDefinition,
  source: RuleSource,
  before: RuleState,
  look: Look,
): RuleState {
  const { test } = source;
  const isOver = look.fromMs >= definition.untilMs && !endsWithWatch(watch, definition);
  if (before.failure !== null || isOver || test.how === "undecidable") return before;
  if (!isFinal(look)) return foldUnanswered(source, before, look);
  if (!(look.toMs > look.fromMs && look.fromMs >= before.cursorMs)) return before;
  const added = addedBy(test, look);
  if (typeof added === "string")
    return foldUnanswered(source, before, {
      ...look,
      seen: { state: "no-data", reason: added, isAlive: false },
    });
  // A source without history leaves what nobody looked at; what covers it as a whole (a counter) has no gap.
  const gapMs = look.fromMs - before.cursorMs;
  const reading = readLiterally(definition, test, before.literal, gapMs, added);
  const seen = withCounts(watch, definition, test, before, added);
  const lengthMs = look.toMs - look.fromMs;
  const next: RuleState = {
    ...seen,
    cursorMs: look.toMs,
    seenMs: before.seenMs + lengthMs,
    judgedMs: before.judgedMs + (reading.isBreach === undefined ? 0 : lengthMs),
    literal: reading.state,
    blind: null,
  };
  const failure = failureOf(watch, definition, test, next, reading);
  return { ...next, failure, tick: tickOf(next, source, reading, failure) };
}

const nothing: Block = { bad: 0, total: 0 };

/** What a look adds to sums and to evidence. */
function withCounts(
  watch: WatchDefinition,
  definition: RuleDefinition,
  test: RuleTest,
  before: RuleState,
  added: Added,
): RuleState {
  const sum = plus(before.sum, added.release);
  const controlSum = plus(before.controlSum, added.control ?? nothing);
  if (test.how !== "share" && test.how !== "control") return { ...before, sum, controlSum };
  const { confident, split, emptySinceMs } = before;
  return {
    ...before,
    sum,
    controlSum,
    emptySinceMs: added.release.total === 0 ? (emptySinceMs ?? added.fromMs) : null,
    ...(confident === undefined
      ? {}
      : { confident: gather(watch, definition, test, confident, controlSum, added) }),
    ...(split === undefined ? {} : { split: splitWith(split, added) }),
  };
}

/** What the rule is about has happened: by its evidence, or literally where it is taken so. Expectations fail at their end. */
function failureOf(
  watch: WatchDefinition,
  definition: RuleDefinition,
  test: RuleTest,
  { cursorMs, sum, confident, split, literal }: RuleState,
  reading: LiteralReading,
): Failure | null {
  const { rule } = definition;
  if (rule.kind === "expect") return null;
  if (!isSplitKnown(test, split) || wrongSplit(test, split) !== undefined) return null;
  const { value = 0, count, bad, heldMs } = reading;
  const found: Failure = {
    atMs: cursorMs,
    value,
    count,
    bad,
    ...(test.how === "control"
      ? { control: controlOver(literal.samples, windowsOf(definition, test).windowMs) }
      : {}),
  };
  if (confident === undefined) return reading.hasFailed ? { ...found, heldMs } : null;
  const alpha = test.how === "share" || test.how === "control" ? (test.alpha ?? 1) : 1;
  const { roll } = thresholdsOf(watch, alpha);
  if (confident.value < roll || sum.total < (rule.sample?.least ?? 0)) return null;
  // A budget must also burn over both windows now: the short one stops a late alarm.
  const isBudget = test.how === "share" && test.burn !== undefined;
  if (isBudget && reading.isBreach !== true) return null;
  return { ...found, evidence: { value: confident.value, threshold: roll } };
}

function tickOf(
  state: RuleState,
  { usualPerMinute }: RuleSource,
  { isBreach, value, count }: LiteralReading,
  failure: Failure | null,
): Tick {
  const { emptySinceMs, cursorMs: atMs } = state;
  const seen = { atMs, count, ...(value === undefined ? {} : { value }) };
  if (failure !== null) return { state: "BREACH", ...seen };
  if (isTrafficCliff(state, usualPerMinute, atMs)) return { state: "BREACH", atMs, reason: STOPPED };
  if (emptySinceMs !== null && atMs - emptySinceMs > EMPTY_AFTER_MS)
    return { state: "NODATA", atMs, reason: "no request" };
  if (isBreach === undefined) return { state: "UNSURE", ...seen };
  return { state: isBreach ? "BREACH" : "OK", ...seen };
}

const STOPPED = "requests have stopped";
/** With a few requests a minute a look without any says nothing; this long it does. */
const EMPTY_AFTER_MS = 2 * 60_000;

function foldUnanswered(
  { usualPerMinute }: RuleSource,
  before: RuleState,
  { seen, control, askedAtMs, fromMs, toMs }: Look,
): RuleState {
  const worst = worstOf([seen, ...(control === undefined ? [] : [control])]);
  if (worst === undefined) return before;
  const { blind: known, cursorMs } = before;
  const state = ({ error: "ERROR", stale: "STALE", "no-data": "NODATA" } as const)[worst.state];
  const isSilent = worst.state === "no-data" && worst.isAlive;
  const silent = isSilent
    ? { sinceMs: known?.silent?.sinceMs ?? Math.max(cursorMs, fromMs), untilMs: Math.max(cursorMs, toMs) }
    : (known?.silent ?? null);
  const blind = {
    sinceMs: known?.sinceMs ?? Math.min(askedAtMs, Math.max(cursorMs, toMs)),
    looks: (known?.looks ?? 0) + 1,
    reason: worst.reason,
    isLasting: worst.state === "error" && worst.isLasting,
    state,
    silent,
  };
  const isCliff = isSilent && isTrafficCliff({ ...before, blind }, usualPerMinute, toMs);
  const tick: Tick = isCliff
    ? { state: "BREACH", atMs: toMs, reason: STOPPED }
    : { state, atMs: toMs, reason: worst.reason };
  return { ...before, blind, tick };
}

type Unanswered = Extract<Seen, { reason: string }>;

/** Of what was said about the release and the control: what only a person can mend, then no answer, then old ones. */
function worstOf(said: readonly Seen[]): Unanswered | undefined {
  const unanswered = said.filter((one): one is Unanswered => "reason" in one);
  return (
    unanswered.find((one) => one.state === "error" && one.isLasting) ??
    (["error", "stale", "no-data"] as const)
      .map((state) => unanswered.find((one) => one.state === state))
      .find((one) => one !== undefined)
  );
}
