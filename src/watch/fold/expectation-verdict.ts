import { formatDuration } from "../../lib/duration.ts";
import { lowerBound } from "../statistics/share-bounds.ts";
import { allowedShare } from "./allowed-share.ts";
import type { ControlTest, RuleDefinition, RuleTest, ShareTest } from "./definition.ts";
import { inconclusive, lacking } from "./inconclusive.ts";
import { isAboutWhole } from "./literal.ts";
import type { RuleState } from "./rule-state.ts";
import type { RuleVerdict } from "./rule-verdict.ts";
import { isToBeProven, proofOver } from "./proof.ts";
import { seenOver } from "./samples.ts";
import { percentText, valueText } from "./words.ts";

const CONFIDENCE = 0.95;
/** Of the time for which it must hold this much must have been seen. */
const MIN_SEEN = 0.95;
/** Of the time that was seen this much must have been enough to judge its value. */
const MIN_JUDGED = 0.5;

/**
 * An expectation at its end: counts have to prove it for the time that it names, or for all of it; what is taken
 * literally must have been so.
 */
export function judgeExpectation(
  definition: RuleDefinition,
  test: RuleTest,
  state: RuleState,
  endMs: number,
): RuleVerdict {
  const { rule } = definition;
  const { hold } = rule;
  const forMs = hold?.kind === "for" ? Math.min(hold.ms, endMs - definition.fromMs) : undefined;
  // Back from the end; the newest look may have been before it.
  const windowMs = forMs === undefined ? undefined : Math.min(forMs, state.cursorMs - endMs + forMs);
  if (forMs !== undefined && windowMs !== undefined) {
    const seenMs = windowMs <= 0 ? 0 : seenOver(state.literal.samples, windowMs);
    if (seenMs < MIN_SEEN * forMs)
      return inconclusive(`seen for ${formatDuration(seenMs)} of the last ${formatDuration(forMs)}`);
  }
  if (isToBeProven(rule, test)) return judgeProof(definition, test, state, windowMs);
  return judgeLiterally(definition, test, state, endMs);
}

function judgeProof(
  { rule }: RuleDefinition,
  test: ShareTest | ControlTest,
  state: RuleState,
  windowMs: number | undefined,
): RuleVerdict {
  const text = valueText(rule, test, state);
  const most = allowedShare(test, state.controlSum, "upper");
  const proof = proofOver(test, state, windowMs);
  if (proof === undefined || most === undefined)
    return inconclusive(
      most === undefined ? `there is nothing to compare with; ${text}` : `there was no request; ${text}`,
    );
  const { bad, total } = proof;
  const atMost = percentText(proof.upperBound);
  if (proof.isProven) return { verdict: "PASS", reason: `${text}; with 95 % confidence at most ${atMost}` };
  if (bad > 0 && lowerBound(bad, total, CONFIDENCE) >= most)
    return { verdict: "FAIL", reason: `${text} is shown not to be so` };
  return lacking(proof.missingRequests, `${text}; it may be as much as ${atMost}`);
}

function judgeLiterally(
  definition: RuleDefinition,
  test: RuleTest,
  state: RuleState,
  endMs: number,
): RuleVerdict {
  const { rule, fromMs } = definition;
  const { hold } = rule;
  const { recent, goodSinceMs, lastBad, hold: breach } = state.literal;
  const text = valueText(rule, test, state);
  if (isAboutWhole(definition, test)) {
    // By everything since the beginning, which its newest value is made from.
    if (breach !== null) return { verdict: "FAIL", reason: text };
    return goodSinceMs === null ? inconclusive(text) : { verdict: "PASS", reason: text };
  }
  if (state.judgedMs < MIN_JUDGED * state.seenMs)
    return inconclusive(`could be judged for ${formatDuration(state.judgedMs)} only; ${text}`);
  if (hold?.kind === "of") {
    if (recent.filter((isBreach) => !isBreach).length >= hold.bad) return { verdict: "PASS", reason: text };
    return recent.length >= hold.looks ? { verdict: "FAIL", reason: text } : inconclusive(text);
  }
  const sinceMs = hold === undefined ? fromMs : Math.max(fromMs, endMs - hold.ms);
  if (lastBad !== null && lastBad.atMs > sinceMs) return { verdict: "FAIL", reason: text };
  // Without `for` it holds from when it could first be judged.
  const isHeld = goodSinceMs !== null && (hold === undefined || goodSinceMs <= sinceMs);
  return isHeld ? { verdict: "PASS", reason: text } : inconclusive(text);
}
