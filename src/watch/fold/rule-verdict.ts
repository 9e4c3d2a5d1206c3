import { formatDuration } from "../../lib/duration.ts";
import { isBlind, isTrafficCliff } from "./blindness.ts";
import { thresholdsOf } from "./confident.ts";
import { maxLateMs, type RuleDefinition, type RuleSource, type WatchDefinition } from "./definition.ts";
import { judgeEvidence } from "./evidence-verdict.ts";
import { judgeExpectation } from "./expectation-verdict.ts";
import { inconclusive, lacking } from "./inconclusive.ts";
import type { RuleState } from "./rule-state.ts";
import { isSplitKnown, SPLIT_LOOKS, wrongSplit } from "./split.ts";
import { failureText, splitText, valueText } from "./words.ts";

/**
 * PASS is evidence of good, never the absence of bad news. INCONCLUSIVE: the time is over and there is not enough
 * evidence, or there never can be. BLIND: nobody watches, now.
 */
export interface RuleVerdict {
  verdict: "PENDING" | "PASS" | "FAIL" | "INCONCLUSIVE" | "BLIND";
  /** A sentence part with its numbers. */
  reason: string;
  /** About so many more requests would decide it, if all of them were good. */
  missingRequests?: number;
}

/** When a rule is judged. */
export interface Moment {
  nowMs: number;
  /** When its time is over; later than planned when the watch was prolonged. */
  endMs: number;
  /** For how long the clock of the watch stood still because nobody could see; endMs is later by that. 0 when left out. */
  pausedMs?: number;
}

/** Of the time of a rule this much must have been seen, and half of that have been enough to judge its value. */
const MIN_SEEN = 0.95;
const MIN_JUDGED = 0.5;

/** By all of the rule's sources: the worse of what is seen. A source that did not see does not count beside one that did. */
export function judgeRule(
  watch: WatchDefinition,
  definition: RuleDefinition,
  states: Readonly<Record<string, RuleState>>,
  moment: Moment,
): RuleVerdict {
  const verdicts = definition.sources.map((source): SourceVerdict => {
    const state = states[source.name];
    if (state === undefined)
      return { verdict: "INCONCLUSIVE", reason: "was never looked at", isUnseen: true };
    const own = judgeSource(watch, definition, source, state, moment);
    return definition.sources.length === 1 ? own : { ...own, reason: `${source.name}: ${own.reason}` };
  });
  const seeing = verdicts.filter(({ verdict, isUnseen }) => verdict !== "BLIND" && isUnseen !== true);
  const counted = seeing.length === 0 ? verdicts : seeing;
  for (const verdict of ["FAIL", "BLIND", "INCONCLUSIVE", "PENDING", "PASS"] as const) {
    const worst = counted.find((one) => one.verdict === verdict);
    if (worst === undefined) continue;
    const { isUnseen: _, ...told } = worst;
    return told;
  }
  return { verdict: "INCONCLUSIVE", reason: "there is no source" };
}

/** A rule with evidence against the release that is too weak to roll back, and too strong to go on. */
export function isHeld(watch: WatchDefinition, { test }: RuleSource, { confident }: RuleState): boolean {
  if (confident === undefined || (test.how !== "share" && test.how !== "control")) return false;
  return test.alpha !== undefined && confident.value >= thresholdsOf(watch, test.alpha).hold;
}

/** Why a rule that compares is switched off now: the traffic of the two is not shared out as it should be. */
export function splitProblem(
  { sources }: RuleDefinition,
  states: Readonly<Record<string, RuleState>> = {},
): string | undefined {
  for (const { name, test } of sources) {
    const state = states[name];
    if (state === undefined || state.failure !== null) continue;
    const wrong = wrongSplit(test, state.split);
    if (wrong !== undefined) return `traffic is not shared out as intended: ${splitText(wrong)}`;
  }
  return undefined;
}

/** isUnseen: for want of looks, not because of what was seen. */
interface SourceVerdict extends RuleVerdict {
  isUnseen?: boolean;
}

function judgeSource(
  watch: WatchDefinition,
  definition: RuleDefinition,
  source: RuleSource,
  state: RuleState,
  { nowMs, endMs, pausedMs = 0 }: Moment,
): SourceVerdict {
  const { rule, fromMs } = definition;
  const { test, lagMs } = source;
  const { cursorMs, blind, split } = state;
  if (state.failure !== null) return { verdict: "FAIL", reason: failureText(rule, test, state.failure) };
  if (test.how === "undecidable") return inconclusive(test.reason);
  const isOpen = cursorMs < endMs && nowMs < endMs + lagMs + maxLateMs(watch);
  const isStopped = isTrafficCliff(state, source.usualPerMinute, nowMs);
  if (isOpen && isStopped) return { verdict: "PENDING", reason: "requests have stopped" };
  if (isOpen && blind !== null && isBlind(blind, watch.startedAtMs, nowMs))
    return { verdict: "BLIND", reason: blind.reason };
  const text = valueText(rule, test, state);
  const wrong = wrongSplit(test, split);
  if (wrong !== undefined)
    return inconclusive(
      `traffic was not shared out as intended, so that nothing can be compared: ${splitText(wrong)}; ${text}`,
    );
  if (isOpen || nowMs < endMs) return { verdict: "PENDING", reason: text };
  const lengthMs = endMs - fromMs - pausedMs;
  // What was seen after the end makes good for nothing that was not seen before it.
  const seenMs = Math.max(0, state.seenMs - Math.max(0, cursorMs - endMs));
  if (seenMs < MIN_SEEN * lengthMs)
    return {
      ...inconclusive(`seen for ${formatDuration(seenMs)} of ${formatDuration(lengthMs)}`),
      isUnseen: !isHeld(watch, source, state),
    };
  if (isStopped) return inconclusive("requests have stopped");
  if (!isSplitKnown(test, split))
    return inconclusive(
      `whether traffic was shared out as intended is known after ${SPLIT_LOOKS} looks, and there were ${split?.looks ?? 0}; ${text}`,
    );
  const isCounted = test.how === "share" || test.how === "control";
  if (rule.sample !== undefined && isCounted && state.sum.total < rule.sample.least)
    return lacking(rule.sample.least - state.sum.total, `${state.sum.total} ${rule.sample.unit} in all`);
  if (rule.kind === "expect") return judgeExpectation(definition, test, state, endMs);
  if (isCounted && state.confident !== undefined) {
    if (isHeld(watch, source, state)) return inconclusive(`there is some evidence against it; ${text}`);
    return judgeEvidence(watch, definition, test, state, state.confident);
  }
  if (state.judgedMs < MIN_JUDGED * state.seenMs)
    return inconclusive(`could be judged for ${formatDuration(state.judgedMs)} only; ${text}`);
  // Not by its tick: that may be a later look which was not answered.
  if (state.literal.hold !== null)
    return inconclusive(`over its limit, but not for long enough yet; ${text}`);
  return { verdict: "PASS", reason: text };
}
