import { formatDuration } from "../../lib/duration.ts";
import { resolveTest } from "../../watch/fold/resolve-test.ts";
import { facing } from "../../watch/fold/confident.ts";
import type { RuleTest } from "../../watch/fold/definition.ts";
import type { WatchRule } from "../../watch/rules/watch-rule.ts";
import { SPLIT_LOOKS } from "../../watch/fold/split.ts";
import { requestsToProveAt } from "../../watch/statistics/proof-of-good.ts";
import { lookAtMs, type Cadence } from "../../watch/statistics/spending.ts";
import { watchOdds, type OddsQuestion, type WatchOdds } from "../../watch/statistics/watch-odds.ts";
import type { WatchFacts } from "./facts.ts";
import { asMeasured, type Before } from "./measure-before.ts";
import { msOf, type WatchSettings } from "./schema.ts";

export interface OddsOf {
  rule: WatchRule;
  lengthMs: number;
  /** How often it looks, from the rule's beginning. */
  cadences: readonly Cadence[];
  gatingRules: number;
  settings: WatchSettings;
  facts: WatchFacts | null;
  /** The release's share of the traffic while it is watched. */
  trafficPercent: number;
  /** Nothing was live before. */
  isFirst: boolean;
}

/**
 * What a plan can promise of a rule at the traffic that was measured before: the odds of a false rollback, how soon a
 * regression is seen, what cannot be seen, and how many requests an expectation needs. Requirement X4. Pure.
 */
export function oddsLines(asked: OddsOf): string[] {
  const { rule, settings, facts } = asked;
  if (rule.condition.kind === "probe") return [];
  const metric = JSON.stringify(rule.condition.metric);
  const known = Object.entries(facts?.before ?? {}).filter(([key]) => key.endsWith(`/${metric}`));
  const lines = known.flatMap(([key, before]) => {
    const own = oddsOfSeries(asked, before);
    return known.length === 1 ? own : own.map((line) => `${key.slice(0, key.indexOf("/"))}: ${line}`);
  });
  if (lines.length > 0) return lines;
  const { target } = rule.condition;
  if (target.kind === "baseline" && target.from.kind === "pinned") {
    const pinned = settings.baselines[target.from.id];
    if (pinned !== undefined)
      return [`baseline ${percent(pinned.bad / pinned.total)} of ${count(pinned.total)}`];
  }
  return asked.isFirst ? firstRelease(rule, settings) : [];
}

/** Without an earlier release there is nothing to compare with, and nothing was measured before. */
function firstRelease(
  { condition, action, policies, kind }: WatchRule,
  { onInconclusive }: WatchSettings,
): string[] {
  if (condition.kind !== "measure" || !["control", "baseline"].includes(condition.target.kind)) return [];
  const atEnd =
    (action === "page" || action === "note") && kind === "when"
      ? "it writes that down"
      : {
          hold: "a person is asked",
          rollback: "it rolls back",
          "continue-with-two-approvals": "two people are asked",
        }[policies["on-inconclusive"] ?? onInconclusive];
  return [`cannot be decided: there is no earlier release to compare with; at the end ${atEnd}`];
}

function oddsOfSeries(asked: OddsOf, before: Before): string[] {
  if (before.state === "none") return [`nothing is known from before: ${before.reason}`];
  if (before.state === "value") return [`before: ${Number(before.value.toPrecision(3))}`];
  const { rule, trafficPercent } = asked;
  const test = resolveTest(rule, { form: "counts", before: measuredFor(asked, before), exposure: undefined });
  if (before.isShared === true && trafficPercent < 100)
    return [
      `cannot see: its source counts all releases together, and at ${trafficPercent} % of the traffic the release's errors are lost among the others'; write {release} into its query`,
    ];
  const perMinute = (before.perMinute * trafficPercent) / 100;
  const target = targetOf(test, before);
  if (target === undefined) return test.how === "undecidable" ? [`cannot be decided: ${test.reason}`] : [];
  const { bad, total } = facing(before, "isFlipped" in test && test.isFlipped);
  const healthy = total > 0 ? bad / total : 0;
  const world = `before: ${percent(healthy)} of ${rate(before.perMinute)}; here ${rate(perMinute)}`;
  if (perMinute <= 0) return [`${world}: without traffic it can see nothing`];
  if (rule.kind === "expect") return [world, needOf(asked, target, healthy, perMinute)];
  if (!("alpha" in test) || test.alpha === undefined) return [world];
  // How requests were shared out before says nothing of the two: that is looked at in the watch itself.
  const notBeforeMs =
    test.how === "control" && trafficPercent > 0 && trafficPercent < 100
      ? lookAtMs(asked.cadences, SPLIT_LOOKS)
      : 0;
  const odds = oddsFor({
    target,
    healthyShare: Math.min(healthy, target),
    requestsPerMinute: perMinute,
    durationMs: asked.lengthMs,
    alpha: test.alpha,
    gatingRules: asked.gatingRules,
    minBlockMs: asked.settings.burst === undefined ? before.burstMs : msOf(asked.settings.burst),
    cadences: asked.cadences,
    ...(notBeforeMs === 0 ? {} : { notBeforeMs }),
  });
  const isBadAlready =
    healthy > target ? [`it is over its limit of ${percent(target)} already, before the release`] : [];
  const isChecked =
    notBeforeMs === 0
      ? []
      : [
          `acts from ${formatDuration(notBeforeMs)} on, after ${SPLIT_LOOKS} looks at how traffic is shared out`,
        ];
  return [world, ...isBadAlready, ...isChecked, sightOf(odds, target)];
}

/** The plan's own measurement stands for a baseline that is taken when the watch begins. */
function measuredFor({ rule, settings }: OddsOf, before: Before) {
  const { condition } = rule;
  if (
    condition.kind === "measure" &&
    condition.target.kind === "baseline" &&
    condition.target.from.kind === "pinned"
  ) {
    const pinned = settings.baselines[condition.target.from.id];
    return pinned === undefined ? undefined : { form: "counts" as const, ...pinned };
  }
  return asMeasured(before);
}

function targetOf(test: RuleTest, before: Before & { state: "counts" }): number | undefined {
  if (test.how === "share") return test.target;
  if (test.how !== "control" || before.total === 0) return undefined;
  const { bad, total } = facing(before, test.isFlipped);
  const target = Math.max(test.floor, (test.times * bad) / total + test.plus);
  return target > 0 && target < 1 ? target : undefined;
}

/** "false rollback 0.3 %, …; sees 5 % in 2m 00s, nearly always within 4m 10s" */
function sightOf({ falseRollbackPercent, falseHoldPercent, detection }: WatchOdds, target: number): string {
  const odds = `false rollback ${percentText(falseRollbackPercent)}, false hold ${percentText(falseHoldPercent)} over ${percent(target)} allowed`;
  const sights = detection.map(({ share, medianMinutes, p95Minutes, seenPercent }) => {
    if (medianMinutes === undefined)
      return `cannot see ${percent(share)} (${percentText(seenPercent)} of the time)`;
    const nearly = p95Minutes === undefined ? "" : `, nearly always within ${inSeconds(p95Minutes)}`;
    return `sees ${percent(share)} in ${inSeconds(medianMinutes)}${nearly}`;
  });
  return `${odds}; ${sights.join("; ")}`;
}

function inSeconds(minutes: number): string {
  return formatDuration(Math.round(minutes * 60) * 1000);
}

function needOf({ rule, lengthMs }: OddsOf, target: number, healthy: number, perMinute: number): string {
  const needed = requestsToProveAt(target, healthy);
  if (!Number.isFinite(needed)) return `cannot be proven: it was ${percent(healthy)} before`;
  const windowMs = rule.hold?.kind === "for" ? rule.hold.ms : lengthMs;
  const expected = (perMinute * windowMs) / 60_000;
  const enough = expected >= needed ? "enough" : `too few: the watch will end without a proof`;
  return `needs ${count(needed)} requests to prove it; ${count(expected)} are expected in ${formatDuration(windowMs)}, ${enough}`;
}

/** The same question is asked when a plan is made and when it is looked at again. */
function oddsFor(question: OddsQuestion): WatchOdds {
  const key = JSON.stringify(question);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const odds = watchOdds(question);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(key, odds);
  return odds;
}

const remembered = new Map<string, WatchOdds>();
const MAX_REMEMBERED = 100;

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function percentText(value: number): string {
  return value < 0.05 ? "under 0.1 %" : `${Number(value.toPrecision(2))} %`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function rate(perMinute: number): string {
  return `${Number(perMinute.toPrecision(3))} requests a minute`;
}
