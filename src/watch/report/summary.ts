import type { RuleDefinition } from "../fold/definition.ts";
import type { ProbeState } from "../fold/probe-state.ts";
import type { RuleState } from "../fold/rule-state.ts";
import type { RuleVerdict } from "../fold/rule-verdict.ts";
import { wouldHave } from "../rules/rule-sentence.ts";
import { clockText } from "./next.ts";

/** How a rule stands or how it ended. What a shadow rule, or the literal reading of a rule, would have done is told too. */
export function summaryOf(
  { rule, isShadow }: RuleDefinition,
  { verdict, reason }: RuleVerdict,
  states: Readonly<Record<string, RuleState>>,
  probe: ProbeState | undefined,
  accepted: { by: string; note: string } | undefined,
  isOver: boolean,
): string {
  const failures = [...Object.values(states), ...(probe === undefined ? [] : [probe])].flatMap(
    ({ failure }) => failure?.atMs ?? [],
  );
  const at = failures.length === 0 ? "" : ` at ${clockText(Math.min(...failures))}`;
  const word = isShadow
    ? verdict === "FAIL"
      ? `would have ${wouldHave(rule.action)}${at}`
      : SHADOW_WORDS[isOver && verdict === "PENDING" ? "PASS" : verdict]
    : `${isOver && verdict === "PENDING" ? "was not decided" : WORDS[verdict]}${verdict === "FAIL" ? at : ""}`;
  const stands =
    accepted === undefined
      ? ""
      : `; ${accepted.by} let it stand${accepted.note === "" ? "" : `: ${accepted.note}`}`;
  return `${word}: ${reason}${literally(rule.action, states)}${stands}`;
}

const WORDS: Record<RuleVerdict["verdict"], string> = {
  PENDING: "goes on",
  PASS: "passed",
  FAIL: "failed",
  INCONCLUSIVE: "not proven",
  BLIND: "cannot be seen",
};

const SHADOW_WORDS: Record<Exclude<RuleVerdict["verdict"], "FAIL">, string> = {
  PENDING: "would have done nothing so far",
  PASS: "would have done nothing",
  INCONCLUSIVE: "would not have passed",
  BLIND: "cannot be seen",
};

function literally(
  action: RuleDefinition["rule"]["action"],
  states: Readonly<Record<string, RuleState>>,
): string {
  const times = Object.values(states).flatMap(({ confident, literal: { failedAtMs } }) =>
    confident === undefined || failedAtMs === null ? [] : [failedAtMs],
  );
  if (times.length === 0) return "";
  return `; taken literally it would have ${wouldHave(action)} at ${clockText(Math.min(...times))}`;
}
