import { printMetric } from "../../model/metric.ts";
import type { RuleReport, RuleSourceReport, WatchReport } from "../../model/watch-report.ts";
import { clean, truncate, wrap } from "../text.ts";
import { CHART_STYLE } from "./chart-style.ts";
import { describeChart } from "./description.ts";
import { drawEvidence } from "./evidence-strip.ts";
import { drawLegend, type LegendItem } from "./legend.ts";
import { drawMarks, drawShades, marksOf, placeMarks } from "./marks.ts";
import { drawGrid, drawLimit, drawValues } from "./plot.ts";
import { unknownsOf } from "./series.ts";
import { element, escapeXml, label, rule as lineOf, textWidth, type Box, type Drawing } from "./svg.ts";
import { shownSpan, timeAxis, type TimeAxis } from "./time-axis.ts";
import { isShortUnit, valueAxis } from "./value-axis.ts";

const WIDTH = 640;
const MARGIN = 14;
const LEFT = 62;
/** The words of the last tick reach beyond it. */
const RIGHT = WIDTH - 30;
const PLOT = 160;
/** The strip of evidence with its heading. */
const STRIP = 86;
const FOOT = 38;
const LINE = 15;
/** So many characters fit into the width. */
const TEXT_COLUMNS = 96;

/**
 * What one source said about a rule over its watch, as a picture that needs nothing else: an SVG document of 640 px
 * width. Made of the report alone: the same report gives the same bytes.
 */
export function ruleChart(
  stepId: string,
  report: WatchReport,
  rule: RuleReport,
  source: RuleSourceReport,
): string {
  const { series, meter } = source;
  const unknowns = unknownsOf(series.rows, rule.fromMs);
  const axis = timeAxis(shownSpan(rule, report), [LEFT, RIGHT]);
  const heading = drawHeading(stepId, rule);
  const marks = placeMarks(marksOf(rule, source), axis.x, RIGHT);
  const stagesTop = heading.height + marks.height;
  const stages = stagesIn(report, rule, axis);
  const top = stagesTop + (stages.length > 1 ? 26 : 10) + (isShortUnit(series.unit) ? 0 : LINE);
  const box: Box = { left: LEFT, right: RIGHT, top, bottom: top + PLOT };
  const bottom = meter === undefined ? box.bottom : box.bottom + STRIP;
  const whole: Box = { ...box, bottom };
  const values = valueAxis(series, [box.top, box.bottom]);
  const items = legendOf(report, rule, source, unknowns.length > 0);
  const legend = drawLegend(items, { ...box, top: bottom + FOOT });
  const drawings = [
    heading,
    drawShades(report.blindSpans, axis.x, whole, { class: "blind" }),
    drawShades(unknowns, axis.x, box, { fill: "url(#unknown)" }),
    drawGrid(values, series.unit, box),
    drawStages(stages, stagesTop, bottom),
    drawMarks(marks.placed, heading.height, bottom),
    drawEvidence(rule, source, axis.x, { ...whole, top: box.bottom + 30 }),
    drawValues(rule, source, values, axis, box),
    drawLimit(source, values, box),
    drawFoot(rule, axis, bottom),
    legend,
  ];
  return document(
    `${rule.name} of step ${stepId}: ${rule.sentence}`,
    describeChart(rule, source, unknowns, report),
    bottom + FOOT + legend.height,
    drawings.flatMap((drawing) => drawing ?? []),
  );
}

function document(title: string, words: string, height: number, drawings: readonly Drawing[]): string {
  const size = { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  const svg = element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", ...size, role: "img", "aria-labelledby": "title description" },
    element("title", { id: "title" }, escapeXml(title)),
    element("desc", { id: "description" }, escapeXml(words)),
    `<style>${CHART_STYLE}</style>`,
    element("defs", {}, HATCH),
    element("rect", { class: "ground", width: WIDTH, height, rx: 6 }),
    ...drawings.flatMap(({ shapes }) => shapes),
    ...drawings.flatMap((drawing) => drawing.words),
  );
  return `${svg}\n`;
}

const HATCH = element(
  "pattern",
  { id: "unknown", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  element("path", { class: "hatch", d: "M0 0V6" }),
);

/** What the rule says, and how it ended. */
function drawHeading(stepId: string, rule: RuleReport): Drawing & { height: number } {
  const shadow = rule.isShadow ? " · shadow" : "";
  const name = truncate(clean(`${rule.name} · ${stepId}${shadow}`), 60);
  const lines = [
    ...shortened(rule.sentence).map((text) => ({ text, className: "dim" })),
    ...shortened(rule.summary).map((text) => ({ text, className: undefined })),
  ];
  return {
    shapes: [],
    words: [
      label(MARGIN, 23, name, { class: "name" }),
      ...lines.map(({ text, className }, index) =>
        label(MARGIN, 42 + LINE * index, text, { class: className }),
      ),
    ],
    height: 38 + LINE * lines.length,
  };
}

function shortened(text: string): string[] {
  const [first = "", second, ...more] = wrap(clean(text), TEXT_COLUMNS);
  if (second === undefined) return [first];
  return [first, more.length === 0 ? second : `${truncate(second, TEXT_COLUMNS - 1)}…`];
}

interface ShownStage {
  x: number;
  /** Empty where there is no room for it. */
  name: string;
}

function stagesIn({ stages }: WatchReport, { fromMs, untilMs }: RuleReport, { x }: TimeAxis): ShownStage[] {
  return stages
    .filter((stage) => stage.untilMs > fromMs && stage.fromMs < untilMs && x(stage.fromMs) < RIGHT)
    .map((stage) => {
      const from = Math.max(LEFT, x(stage.fromMs));
      const room = Math.min(RIGHT, x(stage.untilMs)) - from - 6;
      return { x: from, name: textWidth(stage.name) <= room ? stage.name : "" };
    });
}

/** Borders of the stages, where there is more than one. */
function drawStages(stages: readonly ShownStage[], top: number, bottom: number): Drawing {
  if (stages.length < 2) return { shapes: [], words: [] };
  return {
    shapes: stages.slice(1).map(({ x }) => lineOf(x, top + 2, x, bottom, "stage")),
    words: stages.flatMap(({ x, name }) =>
      name === "" ? [] : [label(x + 4, top + 13, name, { class: "dim" })],
    ),
  };
}

function drawFoot({ fromMs }: RuleReport, { ticks }: TimeAxis, bottom: number): Drawing {
  const date = `UTC, from ${new Date(fromMs).toISOString().slice(0, 10)} on`;
  return {
    shapes: ticks.map(({ x }) => lineOf(x, bottom, x, bottom + 4, "axis")),
    words: [
      ...ticks.map(({ x, text }) => label(x, bottom + 17, text, { class: "mid dim" })),
      label(RIGHT, bottom + 33, date, { class: "end dim" }),
    ],
  };
}

function legendOf(
  { blindSpans }: WatchReport,
  { metric }: RuleReport,
  { name, series: { rows } }: RuleSourceReport,
  hasUnknown: boolean,
): LegendItem[] {
  const what = metric === undefined ? "value" : printMetric(metric);
  const items: LegendItem[] = [{ kind: "series", text: `${what} by ${name}` }];
  if (rows.some(({ state, value }) => state === "unsure" && value !== undefined))
    items.push({ kind: "unsure", text: "too few to judge" });
  if (hasUnknown) items.push({ kind: "unknown", text: "no value" });
  if (blindSpans.length > 0) items.push({ kind: "blind", text: "watch blind" });
  return items;
}
