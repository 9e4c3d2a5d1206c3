import type { RuleReport, RuleSourceReport } from "../../model/watch-report.ts";
import { pathOf, runsOf } from "./series.ts";
import { element, label, rule as lineOf, type Box, type Drawing } from "./svg.ts";
import type { TimeAxis } from "./time-axis.ts";
import { isShortUnit, valueText, type ValueAxis } from "./value-axis.ts";

/** The value axis with its grid. */
export function drawGrid({ ticks, beyond }: ValueAxis, unit: string, box: Box): Drawing {
  const { left, right, top, bottom } = box;
  const words = ticks.map(({ y, text }) => label(left - 7, y + 4, text, { class: "end dim" }));
  if (!isShortUnit(unit)) words.push(label(14, top - 9, unit, { class: "dim" }));
  if (beyond !== undefined) {
    const { value, count = "few" } = beyond;
    const text = `up to ${valueText(value, unit)} of ${count}: too few to judge`;
    words.push(label(right - 4, top + 11, text, { class: "end dim" }));
  }
  return {
    shapes: [
      ...ticks.map(({ y }) => lineOf(left, y, right, y, "grid")),
      lineOf(left, bottom, right, bottom, "axis"),
    ],
    words,
  };
}

/** What is known, clipped to the plot. */
export function drawValues(
  { metric }: RuleReport,
  { series: { rows } }: RuleSourceReport,
  { y }: ValueAxis,
  { x }: TimeAxis,
  { left, right, top, bottom }: Box,
): Drawing {
  const room = { x: left - 2, y: top, width: right - left + 4, height: bottom - top + 2 };
  const paths = runsOf(rows).map(({ isUnsure, points }) =>
    element("path", { class: isUnsure ? "unsure" : "series", d: pathOf(points, metric, { x, y }) }),
  );
  const clip = element("clipPath", { id: "plot" }, element("rect", room));
  return { shapes: [clip, element("g", { "clip-path": "url(#plot)" }, ...paths)], words: [] };
}

/** A limit that moves is known at the end alone. */
export function drawLimit(
  { series: { limit, limitMoves, unit } }: RuleSourceReport,
  { y }: ValueAxis,
  { left, right, top }: Box,
): Drawing {
  if (limit === undefined) return { shapes: [], words: [] };
  const at = y(limit);
  const below = at - 5 > top + 10 ? at - 5 : at + 14;
  const text = valueText(limit, unit);
  return limitMoves
    ? {
        shapes: [lineOf(right - (right - left) / 6, at, right, at, "limit")],
        words: [label(right - 4, below, `limit at last ${text}`, { class: "of-limit end" })],
      }
    : {
        shapes: [lineOf(left, at, right, at, "limit")],
        words: [label(left + 5, below, `limit ${text}`, { class: "of-limit" })],
      };
}
