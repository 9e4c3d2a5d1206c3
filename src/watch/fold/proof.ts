import { proofOfGood, type Proof } from "../statistics/proof-of-good.ts";
import type { Block } from "../statistics/block-evidence.ts";
import { allowedShare } from "./allowed-share.ts";
import { facing } from "./confident.ts";
import type { ControlTest, RuleDefinition, RuleTest, ShareTest } from "./definition.ts";
import type { RuleState } from "./rule-state.ts";
import { sumOver } from "./samples.ts";

/** What counts say about an expectation so far. */
export interface ProofSoFar extends Proof, Block {
  /** The true share has to be shown to be below this, 0 to 1. */
  allowed: number;
}

/** Whether an expectation has to be proven by its counts; else it is taken literally. */
export function isToBeProven(
  { kind, mode, hold }: RuleDefinition["rule"],
  test: RuleTest,
): test is ShareTest | ControlTest {
  const isLiteral = mode?.kind === "strictly" || (mode === undefined && hold?.kind === "of");
  return kind === "expect" && (test.how === "share" || test.how === "control") && !isLiteral;
}

/** Of the newest `windowMs`, or of everything. Undefined without a request of the release or of what it is compared with. */
export function proofOver(
  test: ShareTest | ControlTest,
  state: RuleState,
  windowMs: number | undefined,
): ProofSoFar | undefined {
  const whole = windowMs === undefined ? state.sum : sumOver(state.literal.samples, windowMs);
  const { bad, total } = facing(whole, test.isFlipped);
  const least = allowedShare(test, state.controlSum, "lower");
  if (total <= 0 || least === undefined) return undefined;
  const allowed = Math.min(1, Math.max(0, least));
  return { bad, total, allowed, ...proofOfGood(bad, total, allowed) };
}

/** How far an expectation is on its way to a proof, at the newest look. */
export function proofSoFar(
  { rule }: RuleDefinition,
  test: RuleTest,
  state: RuleState,
): ProofSoFar | undefined {
  if (!isToBeProven(rule, test)) return undefined;
  return proofOver(test, state, rule.hold?.kind === "for" ? rule.hold.ms : undefined);
}
