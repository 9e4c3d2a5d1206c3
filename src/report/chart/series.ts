import { curveLinear, curveStepAfter, curveStepBefore, line } from "d3-shape";
import { extremesOf } from "../../lib/extremes.ts";
import type { Metric } from "../../model/metric.ts";
import type { SeriesRow } from "../../model/watch-report.ts";

/** A value that is known at a time. */
export interface Point {
  atMs: number;
  value: number;
}

/** Points without a gap between them. */
export interface Run {
  /** There was too little to say on which side of its limit the value is. */
  isUnsure: boolean;
  points: Point[];
}

/** A time about which nothing is known, and what was said instead of a value. */
export interface Unknown {
  fromMs: number;
  toMs: number;
  state: string;
}

/** What is known, in pieces: a new one begins behind every row without a value, and where it becomes sure or unsure. */
export function runsOf(rows: readonly SeriesRow[]): Run[] {
  const runs: Run[] = [];
  let last: Run | undefined;
  for (const { atMs, state, value } of rows) {
    if (value === undefined) {
      last = undefined;
      continue;
    }
    const isUnsure = state === "unsure";
    const point = { atMs, value };
    if (last === undefined || last.isUnsure !== isUnsure) {
      // What lies between a sure and an unsure value is unsure.
      const joint = isUnsure ? last?.points.at(-1) : undefined;
      if (!isUnsure) last?.points.push(point);
      last = { isUnsure, points: joint === undefined ? [] : [joint] };
      runs.push(last);
    }
    last.points.push(point);
  }
  return runs;
}

/** The times between what is known. `fromMs`: where the rule's time begins. */
export function unknownsOf(rows: readonly SeriesRow[], fromMs: number): Unknown[] {
  const found: Unknown[] = [];
  let open: Unknown | undefined;
  let knownMs = fromMs;
  for (const { atMs, state, value } of rows) {
    if (value !== undefined) {
      open = undefined;
      knownMs = atMs;
    } else if (open === undefined) {
      open = { fromMs: knownMs, toMs: atMs, state };
      found.push(open);
    } else open.toMs = atMs;
  }
  return found;
}

/** Where a chart has its values. */
export interface Places {
  x(atMs: number): number;
  y(value: number): number;
}

/** A value over a window is a line; what was asked for now and then stood until it was asked again. */
export function pathOf(points: readonly Point[], metric: Metric | undefined, { x, y }: Places): string {
  return draw(points, isStepped(metric) ? curveStepBefore : curveLinear, { x, y });
}

/** What stays as it is until something is added to it. */
export function pathOfSteps(points: readonly Point[], places: Places): string {
  return draw(points, curveStepAfter, places);
}

function draw(points: readonly Point[], curve: typeof curveLinear, { x, y }: Places): string {
  const shape = line<Point>(
    ({ atMs }) => x(atMs),
    ({ value }) => y(value),
  );
  return shape.curve(curve).digits(1)(perColumn(points, x)) ?? "";
}

function isStepped(metric: Metric | undefined): boolean {
  return metric?.kind === "gauge" || metric?.kind === "count" || metric?.kind === "query";
}

/** Of the points in one column of pixels those that reach furthest, so that a day is small and has all its peaks. */
function perColumn(points: readonly Point[], x: Places["x"]): Point[] {
  const columns = new Map<number, Point[]>();
  for (const point of points) {
    const column = Math.floor(x(point.atMs));
    const known = columns.get(column);
    if (known === undefined) columns.set(column, [point]);
    else known.push(point);
  }
  return [...columns.values()].flatMap((column) => extremesOf(column, ({ value }) => value));
}
