import { formatDuration } from "../../lib/duration.ts";
import { BASELINE_CONFIDENCE } from "../statistics/baseline-target.ts";
import { ODDS_RATIOS, PRIOR } from "../statistics/block-evidence.ts";
import { lowerBound, upperBound } from "../statistics/share-bounds.ts";
import { allowedShare } from "../fold/allowed-share.ts";
import { epochsOfRule, thresholdsOf } from "../fold/confident.ts";
import { leastOf, type RuleDefinition, type RuleSource, type WatchDefinition } from "../fold/definition.ts";
import { proofSoFar } from "../fold/proof.ts";
import { windowsOf } from "../fold/literal.ts";
import type { MeasuredBefore } from "../fold/resolve-test.ts";
import type { ConfidentState, RuleState } from "../fold/rule-state.ts";
import { countText, formatValue, numberText, percentText, shareText, valueText } from "../fold/words.ts";
import { actionWords, wouldHave } from "../rules/rule-sentence.ts";
import type { WatchRule } from "../rules/watch-rule.ts";
import { clockText } from "./next.ts";

/** How a rule is decided by one of its sources, with all numbers: a line for each part. Requirement X14. */
export function arithmeticOf(
  watch: WatchDefinition,
  definition: RuleDefinition,
  source: RuleSource,
  state: RuleState,
): string[] {
  const { confident } = state;
  return [
    ...targetLines(definition, source, state),
    ...windowLines(definition, source, state),
    ...(confident === undefined ? [] : evidenceLines(watch, definition, source, confident)),
    ...proofLines(definition, source, state),
    ...literalLines(definition, state),
  ];
}

function targetLines(
  { rule }: RuleDefinition,
  { test, before }: RuleSource,
  { controlSum }: RuleState,
): string[] {
  const { condition } = rule;
  if (condition.kind === "probe") return [];
  const { target } = condition;
  switch (test.how) {
    case "undecidable":
      return [`cannot be decided: ${test.reason}`];
    case "events":
    case "value": {
      const limit = `limit ${formatValue(rule, test, test.limit)}`;
      return target.kind === "baseline"
        ? [`${limit}: ${changeText(rule)}${fromValue(before)}`]
        : [`${limit}, as written`];
    }
    case "control": {
      const { times, plus, floor } = test;
      const allowed = allowedShare(test, controlSum, "upper");
      const points = plus === 0 ? "" : ` plus ${numberText(100 * plus)} points`;
      const least = floor > 0 ? `, never below ${percentText(floor)}` : "";
      const now =
        allowed === undefined
          ? "of which nothing was seen yet"
          : `which had ${shareText(controlSum)}: at most ${percentText(allowed)} (one-sided, 95 %)`;
      return [
        `target: ${numberText(times)} times the share of the previous release${points}${least}, ${now}`,
      ];
    }
    case "share": {
      const words = test.isFlipped ? "of those that are missing" : "of bad requests";
      const share = `target: a share of ${percentText(test.target)} ${words}`;
      if (target.kind === "baseline") return [`${share}: ${fromCounts(rule, before, test.isFlipped)}`];
      if (target.kind !== "burn") return [`${share}, as written`];
      const { factor, objectivePercent, longMs, shortMs } = target;
      const over = `over the last ${formatDuration(longMs)} and the last ${formatDuration(shortMs)}`;
      return [`${share}: ${factor} times what ${numberText(objectivePercent)} % allows, ${over}`];
    }
  }
}

function fromValue(before: MeasuredBefore | undefined): string {
  return before?.form === "values" ? `${numberText(before.value)}, measured before` : "what was before";
}

function fromCounts(rule: WatchRule, before: MeasuredBefore | undefined, isFlipped: boolean): string {
  if (before?.form !== "counts") return "by what was before";
  const { bad, total, dispersion = 1 } = before;
  const spread = Math.max(1, dispersion);
  const isUpper = (rule.kind === "when") !== isFlipped;
  const bound = (isUpper ? upperBound : lowerBound)(bad / spread, total / spread, BASELINE_CONFIDENCE);
  const side = isUpper ? "highest" : "lowest";
  const varies =
    spread > 1.05 ? `; they vary ${numberText(spread)} times as much as independent requests` : "";
  return `${changeText(rule)}${percentText(bound)}, the ${side} share that ${shareText({ bad, total })} measured before may stand for (one-sided, ${numberText(100 * BASELINE_CONFIDENCE)} %${varies})${floorText(rule)}`;
}

function changeText({ condition }: WatchRule): string {
  const change =
    condition.kind === "measure" && condition.target.kind === "baseline"
      ? condition.target.change
      : undefined;
  switch (change?.by) {
    case undefined:
      return "";
    case "percent":
      return `${numberText(1 + change.value / 100)} times `;
    case "factor":
      return `${change.value} times `;
    case "points":
      return `${change.value} points more than `;
  }
}

function floorText({ condition }: WatchRule): string {
  const floor =
    condition.kind === "measure" && condition.target.kind === "baseline" ? condition.target.floor : undefined;
  return floor === undefined ? "" : `, and at least ${floor} %`;
}

function windowLines(definition: RuleDefinition, { test }: RuleSource, state: RuleState): string[] {
  const { rule } = definition;
  if (test.how === "undecidable") return [];
  const least = leastOf(rule, test);
  const of = test.how === "share" || test.how === "control" ? "requests" : "points";
  const floor = least > 1 ? `, from ${countText(least)} ${of} on` : "";
  const { windowMs } = windowsOf(definition, test);
  return [`value over the last ${formatDuration(windowMs)}${floor}: ${valueText(rule, test, state)}`];
}

function evidenceLines(
  watch: WatchDefinition,
  definition: RuleDefinition,
  { test }: RuleSource,
  confident: ConfidentState,
): string[] {
  if ((test.how !== "share" && test.how !== "control") || test.alpha === undefined) return [];
  const { rule, isShadow } = definition;
  const { hold, roll } = thresholdsOf(watch, test.alpha);
  const parts = Math.round(roll * test.alpha);
  const among = parts > 1 ? `, divided among ${parts} rules and sources` : "";
  const { value, peak, evidence, floorEvidence, block } = confident;
  const highest =
    peak.value > 0 ? `, ${numberText(peak.value)} at its highest at ${clockText(peak.atMs)}` : "";
  const floor = test.how === "control" && test.floor > 0;
  return [
    `risk: ${percentText(test.alpha)} of a false alarm in the whole watch${among}: holds at ${numberText(hold)}, ${actionWords(rule.action, isShadow)} at ${numberText(roll)}`,
    `evidence: ${numberText(value)} now${highest}`,
    `  for odds of a bad request ${ODDS_RATIOS.join(", ")} times as high: ${evidence.map(numberText).join(", ")}; weighed by ${PRIOR.join(", ")}`,
    ...(floor
      ? [`  against the floor of ${percentText(test.floor)}: ${floorEvidence.map(numberText).join(", ")}`]
      : []),
    ...epochLines(watch, definition, confident),
    ...(block === null
      ? []
      : [`  a block is open since ${clockText(block.fromMs)}: ${shareText(block.release)}`]),
  ];
}

function epochLines(
  watch: WatchDefinition,
  definition: RuleDefinition,
  { epochs: seen }: ConfidentState,
): string[] {
  const epochs = epochsOfRule(watch, definition);
  return seen.flatMap(({ blocks, total, control }, index) => {
    const epoch = epochs[index];
    if (epoch === undefined || blocks === 0) return [];
    const span = `${formatDuration(epoch.fromMs)} to ${formatDuration(epoch.toMs)}`;
    const beside = control > 0 ? ` beside ${countText(control)}` : "";
    return [
      `  ${span}: ${blocks} blocks of ${formatDuration(epoch.blockMs)} or more with ${countText(total)} requests${beside}, ${percentText(epoch.share)} of the risk`,
    ];
  });
}

function proofLines(definition: RuleDefinition, { test }: RuleSource, state: RuleState): string[] {
  const proof = proofSoFar(definition, test, state);
  if (proof === undefined) return [];
  const { bad, total, allowed, upperBound: bound, isProven, missingRequests } = proof;
  const seen = `${shareText({ bad, total })}: with 95 % confidence at most ${percentText(bound)}`;
  const needed = Number.isFinite(missingRequests)
    ? `${countText(Math.ceil(missingRequests))} more good requests are needed`
    : "no number of requests could prove it";
  return [
    `proof: ${seen}, where below ${percentText(allowed)} has to be shown: ${isProven ? "proven" : needed}`,
  ];
}

function literalLines(
  { rule, isShadow }: RuleDefinition,
  { confident, literal, failure }: RuleState,
): string[] {
  if (rule.kind === "expect") return [];
  const does = actionWords(rule.action, isShadow);
  if (confident === undefined)
    return failure === null ? [] : [`came true at ${isoText(failure.atMs)}: ${does}`];
  const literally =
    literal.failedAtMs === null
      ? "taken literally it would have done nothing"
      : `taken literally it would have ${wouldHave(rule.action)} at ${isoText(literal.failedAtMs)}`;
  const did =
    failure === null ? "by its evidence it has not" : `by its evidence it did at ${isoText(failure.atMs)}`;
  return [`${literally}; ${did}`];
}

/** "2026-11-21T12:03:04Z" */
function isoText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
