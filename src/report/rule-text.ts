import type { Json, JsonObject } from "../model/json.ts";
import type { Metric } from "../model/metric.ts";
import type { DeclaredSource } from "../model/tminus.ts";
import type { RuleReport, RuleSourceReport, SeriesRow } from "../model/watch-report.ts";
import { clean, padTo, truncate, widthOf, wrap, type Style } from "./text.ts";
import { meterText } from "./watch-lines.ts";

export interface RuleTextOptions {
  columns: number;
  style: Style;
}

/** Of the samples so many are printed, evenly spread over the watch. */
const MAX_SAMPLES = 24;

/** One rule of a step for people: what it says, whom it asks, how it is decided, and what was seen. */
export function ruleText(
  stepId: string,
  rule: RuleReport,
  declared: Readonly<Record<string, DeclaredSource>>,
  { columns, style }: RuleTextOptions,
): string[] {
  const shadow = rule.isShadow ? " · shadow: it only writes down what it would have done" : "";
  const lines = [style.bold(truncate(clean(`${rule.name} · step ${stepId}${shadow}`), columns))];
  const add = (text: string, indent = "  "): void =>
    void lines.push(...wrap(clean(text), columns, indent, `${indent}  `));
  add(rule.text);
  add(rule.sentence);
  add(watchedText(rule));
  add(rule.summary);
  if (rule.probe !== undefined) add(`${rule.probe.value} · ${rule.probe.state}`);
  for (const source of rule.sources) {
    lines.push("");
    const [title = "", ...settings] = declaredLines(source.name, declared[source.name], rule.metric);
    add(title, "");
    for (const line of settings) add(line);
    lines.push("", "how it is decided");
    if (source.meter !== undefined) lines.push(`  ${meterText(source.meter)} ┃ is where it is held`);
    for (const line of source.arithmetic) add(line, line.startsWith(" ") ? "    " : "  ");
    lines.push("", ...sampleLines(source, columns, style));
  }
  return lines;
}

function watchedText({ fromMs, untilMs, endedMs }: RuleReport): string {
  if (endedMs === undefined || endedMs >= untilMs)
    return `watched from ${isoText(fromMs)} to ${isoText(untilMs)}`;
  const planned = `${isoText(untilMs)} was planned`;
  return endedMs <= fromMs
    ? `not watched: the watch ended before; from ${isoText(fromMs)} to ${planned}`
    : `watched from ${isoText(fromMs)} to ${isoText(endedMs)}; until ${planned}`;
}

/** How a source is declared, as far as the metric is concerned. */
function declaredLines(
  name: string,
  declared: DeclaredSource | undefined,
  metric: Metric | undefined,
): string[] {
  if (declared === undefined) return [`source ${name}: the target's own, which is not declared`];
  const { kind, settings } = declared;
  const { queries, ...others } = settings;
  const key = metric === undefined ? undefined : queryKeyOf(metric);
  const own = key !== undefined && isObject(queries) ? queries[key] : undefined;
  const shown: JsonObject = own === undefined ? settings : { ...others, queries: { [key!]: own } };
  return [`source ${name} (${kind})`, ...flattened(shown, "")];
}

/** Under which name a source that is asked by queries has the one for a metric. */
function queryKeyOf(metric: Metric): string {
  switch (metric.kind) {
    case "error_rate":
      return "error_rate";
    case "share":
    case "quantile":
      return "latency";
    case "gauge":
    case "count":
    case "query":
      return metric.name;
  }
}

/** "queries.error_rate.bad: http_requests_total{…}" */
function flattened(value: Json, path: string): string[] {
  if (!isObject(value)) return [`${path}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, inner]) =>
    flattened(inner, path === "" ? key : `${path}.${key}`),
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sampleLines({ series }: RuleSourceReport, columns: number, style: Style): string[] {
  const { rows, unit } = series;
  if (rows.length === 0) return ["no sample yet"];
  const shown = thinned(rows);
  const cells = shown.map(({ atMs, state, value, count, evidence }) => [
    isoText(atMs),
    state,
    value === undefined ? "–" : `${Number(value.toPrecision(4))} ${unit}`.trim(),
    count === undefined ? "" : `of ${count.toLocaleString("en-US")}`,
    evidence === undefined ? "" : `evidence ${evidence}`,
  ]);
  const widths = cells[0]!.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at]!))));
  const more = shown.length < rows.length ? ` of ${rows.length}; all of them with --json` : "";
  return [
    `samples (${shown.length}${more})`,
    ...cells.map((row, index) => {
      const line = truncate(
        `  ${row.map((cell, at) => padTo(cell, widths[at]!)).join("  ")}`,
        columns,
      ).trimEnd();
      return shown[index]!.state === "breach" ? style.yellow(line) : line;
    }),
  ];
}

/** The first and the newest, and what lies evenly between; breaches before others. */
function thinned(rows: readonly SeriesRow[]): SeriesRow[] {
  if (rows.length <= MAX_SAMPLES) return [...rows];
  return Array.from({ length: MAX_SAMPLES }, (_, index) => {
    const from = Math.floor((index * rows.length) / MAX_SAMPLES);
    const part = rows.slice(from, Math.floor(((index + 1) * rows.length) / MAX_SAMPLES));
    if (index === MAX_SAMPLES - 1) return rows.at(-1)!;
    return (index === 0 ? undefined : part.find(({ state }) => state === "breach")) ?? part[0]!;
  });
}

function isoText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
