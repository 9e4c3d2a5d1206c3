import type { RuleReport, RuleSourceReport } from "../../model/watch-report.ts";
import { element, label, rule as lineOf, textWidth, type Box, type Drawing } from "./svg.ts";
import { clockText, type Span } from "./time-axis.ts";

/** A moment at which something was decided, or would have been. */
export interface Mark {
  atMs: number;
  text: string;
  className: "failed" | "held" | "literally" | "accepted";
}

/** Nothing is held at that moment: with so much evidence at its end the watch would not pass. */
const HELD_FROM = "evidence enough to hold";

/** In order of time. */
export function marksOf(rule: RuleReport, { meter, series }: RuleSourceReport): Mark[] {
  const { rows, failedAtMs, literallyAtMs } = series;
  const would = rule.isShadow ? rule.deed : `would have ${rule.deed}`;
  const held = rows.find(({ evidence = 0 }) => meter !== undefined && evidence >= meter.hold);
  const marks: Mark[] = [];
  if (held !== undefined && held.atMs !== failedAtMs)
    marks.push({ atMs: held.atMs, text: HELD_FROM, className: "held" });
  if (literallyAtMs !== undefined)
    marks.push({ atMs: literallyAtMs, text: `taken literally: ${would}`, className: "literally" });
  if (failedAtMs !== undefined) marks.push({ atMs: failedAtMs, text: rule.deed, className: "failed" });
  if (rule.accepted !== undefined) {
    const { atMs, by } = rule.accepted;
    marks.push({ atMs, text: `${by} let it stand`, className: "accepted" });
  }
  return marks.toSorted((a, b) => a.atMs - b.atMs);
}

const ROW = 15;
const PAD = 5;

/** A mark with the place of its words. */
export interface PlacedMark extends Mark {
  x: number;
  words: string;
  /** From the top, 0 first. */
  row: number;
  /** The words end at the line. */
  isLeft: boolean;
}

/** Words of marks in as many rows as they need; `height` is that of all rows. */
export function placeMarks(
  marks: readonly Mark[],
  x: (atMs: number) => number,
  right: number,
): { placed: PlacedMark[]; height: number } {
  const sided = marks.map((mark) => {
    const words = `${mark.text} ${clockText(mark.atMs)}`;
    const width = textWidth(words) + PAD;
    const at = x(mark.atMs);
    const isLeft = at + width > right;
    return { ...mark, x: at, words, isLeft, from: isLeft ? at - width : at, to: isLeft ? at : at + width };
  });
  // Words that reach to the left come above the marks that they reach over, as do those that reach to the right.
  const inOrder = [
    ...sided.filter(({ isLeft }) => isLeft).toSorted((a, b) => b.x - a.x),
    ...sided.filter(({ isLeft }) => !isLeft).toSorted((a, b) => a.x - b.x),
  ];
  const rows: Taken[][] = [];
  const placed = inOrder.map(({ from, to, ...mark }): PlacedMark => {
    const isInTheWay = (other: Taken): boolean => other.from < to + PAD && from < other.to + PAD;
    const row = rows.findLastIndex((others) => others.some(isInTheWay)) + 1;
    (rows[row] ??= []).push({ from, to });
    return { ...mark, row };
  });
  return { placed, height: rows.length * ROW };
}

interface Taken {
  from: number;
  to: number;
}

/** A line down from the words of each. */
export function drawMarks(placed: readonly PlacedMark[], top: number, bottom: number): Drawing {
  const yOf = (row: number): number => top + row * ROW;
  return {
    shapes: placed.map(({ x, row, className }) => lineOf(x, yOf(row) + 2, x, bottom, `mark ${className}`)),
    words: placed.map(({ x, row, words, isLeft }) =>
      label(x + (isLeft ? -PAD : PAD), yOf(row) + 11, words, isLeft ? { class: "end" } : {}),
    ),
  };
}

/** Where nothing is known, and where the watch was blind: shaded over the height of the chart. */
export function drawShades(
  spans: readonly Span[],
  x: (atMs: number) => number,
  { left, right, top, bottom }: Box,
  paint: { class: string } | { fill: string },
): Drawing {
  const shapes = spans.flatMap(({ fromMs, toMs }) => {
    const from = Math.max(left, x(fromMs));
    // A short time is still seen.
    const to = Math.max(from + 1.5, Math.min(right, x(toMs)));
    const place = { x: from, y: top, width: to - from, height: bottom - top };
    return from >= right ? [] : [element("rect", { ...place, ...paint })];
  });
  return { shapes, words: [] };
}
