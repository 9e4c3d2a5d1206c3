import type { Block } from "../statistics/block-evidence.ts";
import { watchPower, type Exposure, type PowerQuestion, type WatchPower } from "../statistics/watch-power.ts";
import { allowedShare, controlShare } from "./allowed-share.ts";
import { epochsOfRule, facing, thresholdsOf } from "./confident.ts";
import type { ControlTest, RuleDefinition, ShareTest, WatchDefinition } from "./definition.ts";
import { inconclusive, lacking } from "./inconclusive.ts";
import type { ConfidentState, RuleState } from "./rule-state.ts";
import type { RuleVerdict } from "./rule-verdict.ts";
import { percentText, valueText } from "./words.ts";

/** What a watch that saw nothing must have been able to see, and with what odds, to say that nothing was there. */
const POWER_TIMES = 3;
const MIN_POWER = 0.95;

/** A rule that did not act on its evidence passes when it would have: it had enough to see three times its target. */
export function judgeEvidence(
  watch: WatchDefinition,
  definition: RuleDefinition,
  test: ShareTest | ControlTest,
  state: RuleState,
  { epochs: seen }: ConfidentState,
): RuleVerdict {
  const text = valueText(definition.rule, test, state);
  const target = allowedShare(test, state.controlSum, "upper");
  if (target === undefined || !(target > 0 && target < 1))
    return inconclusive(`there is nothing to compare with; ${text}`);
  const { roll } = thresholdsOf(watch, test.alpha ?? 1);
  const share = raised(target);
  const control = controlOf(test, state.controlSum);
  const question: PowerQuestion = { share, target, threshold: roll, control };
  const { odds, neededRequests = Infinity } = powerOf(watch, definition, seen, question);
  if (odds >= MIN_POWER) return { verdict: "PASS", reason: text };
  const total = seen.reduce((sum, epoch) => sum + epoch.total, 0);
  const unseen = `a share of ${percentText(share)} could have gone unseen`;
  return lacking(Math.max(1, neededRequests - total), `${text}; ${unseen}`);
}

/** At its end a watch may be judged many times, while it waits for a person. */
function powerOf(
  watch: WatchDefinition,
  definition: RuleDefinition,
  seen: readonly Exposure[],
  question: PowerQuestion,
): WatchPower {
  const key = JSON.stringify([definition.untilMs - definition.fromMs, watch.minBlockMs, seen, question]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  const power = watchPower(epochsOfRule(watch, definition), seen, question);
  remembered.set(key, power);
  return power;
}

const remembered = new Map<string, WatchPower>();
const MAX_REMEMBERED = 10_000;

/** The control as bad as it may truly be; with "+ N pp" as it was, for its bound is taken block by block. */
function controlOf(test: ShareTest | ControlTest, controlSum: Block): PowerQuestion["control"] {
  if (test.how !== "control") return undefined;
  const { times, plus, floor } = test;
  const { bad, total } = facing(controlSum, test.isFlipped);
  const share = plus === 0 ? controlShare(test, controlSum, "upper") : bad / total;
  return share === undefined ? undefined : { share, times, plus, floor };
}

/** Three times as much, or a third of the way that is left to everything. */
function raised(target: number): number {
  return POWER_TIMES * target < 0.9 ? POWER_TIMES * target : 1 - (1 - target) / POWER_TIMES;
}
