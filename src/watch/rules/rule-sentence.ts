import { formatDuration } from "../../lib/duration.ts";
import type { Metric } from "../../model/metric.ts";
import type { Action, Change, Comparison, Condition, Target, WatchRule } from "./watch-rule.ts";

/** A rule in words: "rolls back when the error rate is above 1 % for 5m 00s". A shadow rule "would roll back". */
export function ruleSentence(rule: WatchRule, isShadow: boolean): string {
  const { kind, condition, hold, sample, action, mode } = rule;
  const held =
    hold === undefined
      ? ""
      : hold.kind === "for"
        ? ` for ${formatDuration(hold.ms)}`
        : ` at ${hold.bad} of ${hold.looks} looks`;
  const floor = sample === undefined ? "" : `, with at least ${sample.least} ${sample.unit}`;
  const how = mode?.kind === "strictly" ? ", taken literally" : "";
  const what = `${conditionWords(condition)}${held}${floor}${how}`;
  const does = actionWords(action, isShadow);
  return kind === "when" ? `${does} when ${what}` : `${does} unless it is shown that ${what}`;
}

/** "rolls back", "would roll back" */
export function actionWords(action: Action, isShadow: boolean): string {
  const [does, wouldDo] = ACTION_WORDS[action];
  return isShadow ? `would ${wouldDo}` : does;
}

/** "rolled back", behind "would have" */
export function wouldHave(action: Action): string {
  return ACTION_WORDS[action][2];
}

/** "rolled back", of a shadow rule "would have rolled back" */
export function deedWords(action: Action, isShadow: boolean): string {
  return isShadow ? `would have ${wouldHave(action)}` : wouldHave(action);
}

const ACTION_WORDS: Record<Action, [does: string, wouldDo: string, wouldHaveDone: string]> = {
  rollback: ["rolls back", "roll back", "rolled back"],
  hold: ["holds and asks", "hold and ask", "held and asked"],
  page: ["pages people", "page people", "paged people"],
  note: ["notes it", "note it", "noted it"],
  "fail-gate": ["fails", "fail", "failed"],
};

function conditionWords(condition: Condition): string {
  if (condition.kind === "probe") return `the probe ${condition.probe} fails`;
  const { metric, from, overMs, compare, target } = condition;
  const sources = from === undefined ? "" : ` by ${from.join(" and ")}`;
  const over = overMs === undefined ? "" : ` over ${formatDuration(overMs)}`;
  return `${metricWords(metric)}${sources}${over} is ${COMPARE_WORDS[compare]} ${targetWords(target)}`;
}

function metricWords(metric: Metric): string {
  switch (metric.kind) {
    case "error_rate":
      return "the error rate";
    case "share":
      return `the share of requests slower than ${formatDuration(metric.slowerThanMs)}`;
    case "quantile":
      return `the latency of ${metric.percent} % of the requests`;
    case "gauge":
    case "query":
      return metric.name;
    case "count":
      return `the number of ${metric.name}`;
  }
}

const COMPARE_WORDS: Record<Comparison, string> = {
  ">": "above",
  ">=": "at least",
  "<": "below",
  "<=": "at most",
};

function targetWords(target: Target): string {
  switch (target.kind) {
    case "number":
      return target.unit === "ms" ? formatDuration(target.value) : `${target.value} ${target.unit}`.trim();
    case "baseline":
      return `${changeWords(target.change)}what it was ${beforeWords(target.from)}${floorWords(target.floor)}`;
    case "control":
      return `${changeWords(target.change)}that of the previous release${floorWords(target.floor)}`;
    case "burn":
      return `${target.factor} times what the objective of ${target.objectivePercent} % allows, over ${formatDuration(target.longMs)} and ${formatDuration(target.shortMs)}`;
  }
}

function beforeWords(from: (Target & { kind: "baseline" })["from"]): string {
  switch (from.kind) {
    case "before":
      return `in the ${formatDuration(from.ms)} before`;
    case "same-hours":
      return `in the same hours of the last ${from.days} days`;
    case "pinned":
      return `as kept under ${from.id}`;
  }
}

function changeWords(change: Change | undefined): string {
  switch (change?.by) {
    case undefined:
      return "";
    case "percent":
      return `${change.value} % more than `;
    case "factor":
      return `${change.value} times `;
    case "points":
      return `${change.value} points more than `;
  }
}

function floorWords(floor: number | undefined): string {
  return floor === undefined ? "" : `, and above ${floor} %`;
}
