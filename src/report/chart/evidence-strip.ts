import type { RuleReport, RuleSourceReport } from "../../model/watch-report.ts";
import { pathOfSteps, runsOf } from "./series.ts";
import { element, label, rule as lineOf, type Box, type Drawing } from "./svg.ts";
import { evidenceScale, valueText } from "./value-axis.ts";

/** How the evidence against the release grew, and what it had to reach. Undefined for a rule that is taken literally. */
export function drawEvidence(
  { deed, isShadow }: RuleReport,
  { meter, series: { rows, peak } }: RuleSourceReport,
  x: (atMs: number) => number,
  { left, right, top, bottom }: Box,
): Drawing | undefined {
  if (meter === undefined) return undefined;
  const y = evidenceScale(meter, [top, bottom]);
  // Where no value is known the evidence stands still; that is no reason to draw it there.
  const known = rows.map(({ atMs, state, value, evidence }) => ({
    atMs,
    state: state === "unsure" ? "ok" : state,
    ...(value === undefined || evidence === undefined ? {} : { value: evidence }),
  }));
  const paths = runsOf(known).map(({ points }) => {
    const own = points.flatMap((point, index) => {
      const next = points[index + 1];
      const isHere =
        peak !== undefined && next !== undefined && peak.atMs > point.atMs && peak.atMs < next.atMs;
      return isHere ? [point, { atMs: peak.atMs, value: peak.evidence }] : [point];
    });
    return element("path", { class: "series", d: pathOfSteps(own, { x, y }) });
  });
  const highest = peak === undefined ? "" : `, at most ${valueText(peak.evidence, "")}`;
  const thresholds = [
    { at: meter.hold, words: isShadow ? "would hold" : "holds" },
    { at: meter.roll, words: deed },
  ];
  return {
    shapes: [
      ...thresholds.map(({ at }) => lineOf(left, y(at), right, y(at), "limit")),
      ...paths,
      lineOf(left, bottom, right, bottom, "axis"),
    ],
    words: [
      label(left, top - 7, `evidence against the release${highest}`, { class: "dim" }),
      ...[1, meter.hold, meter.roll].map((value) =>
        label(left - 7, y(value) + 4, valueText(value, ""), { class: "end dim" }),
      ),
      ...thresholds.map(({ at, words }) => label(left + 5, y(at) - 3, words, { class: "of-limit" })),
    ],
  };
}
