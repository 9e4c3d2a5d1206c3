import type { WatchedStep } from "../model/tminus.ts";
import type { RuleReport, RuleSourceReport } from "../model/watch-report.ts";
import { codeText, escapeMarkdown, imageText } from "./markdown.ts";
import { sparkline } from "./sparkline.ts";

/** Charts that lie beside the log: the name of each one's file. */
export type ChartFiles = ReadonlyMap<RuleSourceReport, string>;

/**
 * What the watches of a run saw, in Markdown: every rule in words and as it is written, how it ended, what shadow rules
 * would have done, how it was before and during the watch, and its chart, or its values as a line of blocks where there
 * is no file for it. Requirement H2.
 */
export function rulesSection(watched: readonly WatchedStep[], charts: ChartFiles): string[] {
  const parts = watched.flatMap(({ stepId, report, unknown = "" }) =>
    report === undefined
      ? [[`Rules of ${codeText(stepId)}: ${escapeMarkdown(unknown)}.`]]
      : report.rules.map((rule) => ruleLines(stepId, rule, charts)),
  );
  return parts.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

function ruleLines(stepId: string, rule: RuleReport, charts: ChartFiles): string[] {
  const shadow = rule.isShadow ? " · shadow" : "";
  const files = rule.sources.flatMap((source) => charts.get(source) ?? []);
  return [
    `#### ${codeText(rule.name)} · step ${codeText(stepId)}${shadow}`,
    "",
    `- ${escapeMarkdown(rule.sentence)}: ${codeText(rule.text)}`,
    `- **${escapeMarkdown(rule.summary)}**`,
    ...(rule.probe === undefined ? [] : [`- ${escapeMarkdown(rule.probe.value)}`]),
    ...rule.sources.flatMap((source) => sourceLines(source, rule.sources.length > 1, charts.has(source))),
    ...files.flatMap((file) => ["", imageText(`Chart of ${rule.name}: ${rule.summary}`, file)]),
  ];
}

function sourceLines(source: RuleSourceReport, isOneOfSeveral: boolean, hasChart: boolean): string[] {
  const { name, before, during, series } = source;
  const by = isOneOfSeveral ? `by ${codeText(name)}: ` : "";
  const measured =
    during === undefined
      ? []
      : [`- ${by}before → during the watch: ${escapeMarkdown(`${before ?? "not measured"} → ${during}`)}`];
  const line = hasChart ? undefined : sparkline(series);
  return line === undefined
    ? measured
    : [...measured, `- ${by}\`${line}\` ${escapeMarkdown(rangeText(source))}`];
}

/** "0.2 % to 4 %, limit 1 %, 10:00:15 to 10:10:00 UTC" */
function rangeText({ series: { rows, unit, limit } }: RuleSourceReport): string {
  const values = rows.flatMap(({ value }) => value ?? []);
  const text = (value: number): string => `${Number(value.toPrecision(3))} ${unit}`.trim();
  const clock = (atMs: number): string => new Date(atMs).toISOString().slice(11, 19);
  const bound = limit === undefined ? "" : `, limit ${text(limit)}`;
  return `${text(Math.min(...values))} to ${text(Math.max(...values))}${bound}, ${clock(rows[0]!.atMs)} to ${clock(rows.at(-1)!.atMs)} UTC`;
}
