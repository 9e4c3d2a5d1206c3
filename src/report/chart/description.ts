import type { RuleReport, RuleSourceReport, WatchReport } from "../../model/watch-report.ts";
import { marksOf } from "./marks.ts";
import type { Unknown } from "./series.ts";
import { valueText } from "./value-axis.ts";

/** At most so many times of one kind are told one by one. */
const MAX_TOLD = 5;

/** All that a chart shows, in words, for those who do not see it. Times in UTC. */
export function describeChart(
  rule: RuleReport,
  source: RuleSourceReport,
  unknowns: readonly Unknown[],
  { stages, blindSpans }: Pick<WatchReport, "stages" | "blindSpans">,
): string {
  const { rows, unit, limit, limitMoves } = source.series;
  const values = rows.flatMap(({ value }) => value ?? []);
  const extremes =
    values.length === 0
      ? "No value is known."
      : `Between ${valueText(Math.min(...values), unit)} and ${valueText(Math.max(...values), unit)}, at last ${valueText(values.at(-1)!, unit)}.`;
  const held =
    limit === undefined
      ? ""
      : `Its limit${limitMoves ? ", which moves, was at last" : " is"} ${valueText(limit, unit)}.`;
  const marks = marksOf(rule, source).map(({ atMs, text }) => `${isoText(atMs)} ${text}.`);
  const within = stages.filter(({ fromMs }) => fromMs >= rule.fromMs && fromMs < rule.untilMs);
  return [
    `From ${isoText(rule.fromMs)} to ${isoText(rule.untilMs)}.`,
    extremes,
    held,
    ...marks,
    spansText("Nothing is known", unknowns),
    spansText("The watch was blind", blindSpans),
    within.length > 1
      ? `Stages: ${within.map(({ name, fromMs }) => `${name} from ${isoText(fromMs)}`).join(", ")}.`
      : "",
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function spansText(words: string, spans: readonly { fromMs: number; toMs: number }[]): string {
  if (spans.length === 0) return "";
  const told = spans
    .slice(0, MAX_TOLD)
    .map(({ fromMs, toMs }) => `from ${isoText(fromMs)} to ${isoText(toMs)}`);
  const more = spans.length > MAX_TOLD ? ` and ${spans.length - MAX_TOLD} more times` : "";
  return `${words} ${told.join(", ")}${more}.`;
}

function isoText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
