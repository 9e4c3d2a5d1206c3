import { formatDuration } from "../../lib/duration.ts";
import type { Forthcoming } from "../../model/watch-report.ts";
import { blindAfterMs } from "../fold/blindness.ts";
import { thresholdsOf } from "../fold/confident.ts";
import type { RuleDefinition, RuleSource, WatchDefinition } from "../fold/definition.ts";
import type { ProbeState } from "../fold/probe-state.ts";
import type { RuleState } from "../fold/rule-state.ts";
import { isHeld } from "../fold/rule-verdict.ts";
import { proofSoFar } from "../fold/proof.ts";
import { numberText, percentText } from "../fold/words.ts";
import { actionWords } from "../rules/rule-sentence.ts";

/** What comes of a rule by one of its sources, if what is seen now goes on. `endMs`: when its time is over. */
export function nextOf(
  watch: WatchDefinition,
  definition: RuleDefinition,
  source: RuleSource,
  state: RuleState,
  { nowMs, endMs }: { nowMs: number; endMs: number },
): Forthcoming {
  const { rule, isShadow } = definition;
  const { test } = source;
  const does = actionWords(rule.action, isShadow);
  if (state.failure !== null)
    return { text: `has come true at ${clockText(state.failure.atMs)}: ${isShadow ? "" : "it "}${does}` };
  if (test.how === "undecidable") return { text: test.reason };
  if (state.blind !== null) {
    const { sinceMs, reason, isLasting } = state.blind;
    const afterMs = blindAfterMs(watch.startedAtMs, nowMs);
    if (isLasting || nowMs - sinceMs > afterMs) return { text: `cannot be seen: ${reason}` };
    return { text: `is not seen: ${reason}; counts as blind`, atMs: sinceMs + afterMs };
  }
  if (rule.kind === "expect") return nextOfExpectation(definition, source, state, endMs);
  if (state.confident !== undefined && "alpha" in test && test.alpha !== undefined) {
    const { hold, roll } = thresholdsOf(watch, test.alpha);
    const marks = `${does} at ${numberText(roll)}`;
    return isHeld(watch, source, state)
      ? { text: `held, as from ${numberText(hold)} on: it does not pass; ${marks}` }
      : { text: `holds at ${numberText(hold)}, ${marks}` };
  }
  return nextLiterally(definition, state, does);
}

/** The same of a rule about a probe. */
export function nextOfProbe({ rule, isShadow }: RuleDefinition, state: ProbeState): Forthcoming {
  const does = actionWords(rule.action, isShadow);
  if (state.failure !== null) return { text: `has come true at ${clockText(state.failure.atMs)}: ${does}` };
  const { bad, looks } = rule.hold?.kind === "of" ? rule.hold : { bad: 1, looks: 1 };
  const failed = state.recent.filter(Boolean).length;
  return { text: `${failed} of the last ${looks} failed; ${does} at ${bad}` };
}

function nextLiterally({ rule }: RuleDefinition, state: RuleState, does: string): Forthcoming {
  const { literal, tick, cursorMs } = state;
  if (rule.hold?.kind === "of") {
    const bad = literal.recent.filter(Boolean).length;
    return { text: `${bad} of the last ${rule.hold.looks} looks were bad; ${does} at ${rule.hold.bad}` };
  }
  const holdMs = rule.hold?.ms ?? 0;
  if (literal.hold !== null)
    return { text: `if it stays so, ${does}`, atMs: cursorMs + Math.max(0, holdMs - literal.hold.heldMs) };
  if (tick?.state === "UNSURE") return { text: "there is too little to say" };
  return {
    text:
      holdMs === 0 ? `${does} as soon as it is so` : `${does} when it is so for ${formatDuration(holdMs)}`,
  };
}

function nextOfExpectation(
  definition: RuleDefinition,
  { test }: RuleSource,
  state: RuleState,
  endMs: number,
): Forthcoming {
  const atEnd = { atMs: endMs };
  const proof = proofSoFar(definition, test, state);
  if (proof === undefined) return { text: "is judged", ...atEnd };
  const atMost = `with 95 % confidence at most ${percentText(proof.upperBound)}`;
  if (proof.isProven) return { text: `proven so far, ${atMost}; is judged`, ...atEnd };
  const missing = Number.isFinite(proof.missingRequests)
    ? `${Math.ceil(proof.missingRequests).toLocaleString("en-US")} more good requests would prove it`
    : "cannot be proven";
  return { text: `${atMost}; ${missing}; is judged`, ...atEnd };
}

/** "12:03:04Z" */
export function clockText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)}Z`;
}
