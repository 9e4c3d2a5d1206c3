import { column, latencyBoundsMs, type Row } from "./columns.ts";
import type { Edge } from "./edge.ts";
import { spanMs } from "./span-history.ts";

/** More in one answer would hold up the traffic. */
const MAX_POINTS = 1_440;

/** What was counted of one release from one moment to another, ms since 1970. */
interface CountedPoint {
  fromMs: number;
  toMs: number;
  requests: number;
  errors: number;
  diverted: number;
  badClients: number;
  newClients: number;
  repeated: number;
  /** Of those slower than the last bound, together. */
  beyondMs: number;
  /** Per bucket, not cumulative. */
  latency: number[];
}

interface HistoryAnswer {
  isKnown: boolean;
  boundsMs: readonly number[];
  /** Spans up to here do not change any more. */
  closedToMs: number;
  /** Only those about which all is known. */
  points: CountedPoint[];
  /** The last 10 to 20 s, or since counting began: the last closed span and what is open. */
  recent: CountedPoint;
}

/**
 * Answers /history?release=v2&from=…&to=…&step=…, times in ms since 1970 and multiples of 10 s. Without from, to and
 * step there are no points. Throws a plain Error that says what is wrong with the question.
 */
export function historyAnswer(edge: Edge, query: URLSearchParams, nowMs: number): HistoryAnswer {
  edge.spans.roll(nowMs);
  const release = query.get("release") ?? "";
  const { history, open } = edge.spans;
  const recent = edge.spans.recent(release);
  return {
    isKnown: history.knows(release) || edge.metrics.find(release) !== undefined,
    boundsMs: latencyBoundsMs,
    closedToMs: open.index * spanMs,
    points: query.has("from") ? pointsOf(edge, release, rangeOf(query)) : [],
    recent: pointOf(recent.row, recent.sinceMs, nowMs),
  };
}

interface Range {
  from: number;
  to: number;
  step: number;
}

/** In spans. */
function rangeOf(query: URLSearchParams): Range {
  const [from, to, step] = ["from", "to", "step"].map((name) => {
    const ms = Number(query.get(name) ?? Number.NaN);
    if (Number.isSafeInteger(ms) && ms > 0 && ms % spanMs === 0) return ms / spanMs;
    throw new Error(`${name} must be a multiple of ${spanMs} ms`);
  }) as [number, number, number];
  if (to <= from || (to - from) % step !== 0) throw new Error("from, to and step do not make whole spans");
  if ((to - from) / step > MAX_POINTS) throw new Error(`these are more than ${MAX_POINTS} points`);
  return { from, to, step };
}

function pointsOf({ spans }: Edge, release: string, { from, to, step }: Range): CountedPoint[] {
  const points: CountedPoint[] = [];
  for (let first = from; first < to; first += step) {
    const row = spans.history.sum(release, first, step);
    if (row !== undefined) points.push(pointOf(row, first * spanMs, (first + step) * spanMs));
  }
  return points;
}

function pointOf(row: Row, fromMs: number, toMs: number): CountedPoint {
  return {
    fromMs,
    toMs,
    requests: row[column.requests]!,
    errors: row[column.errors]!,
    diverted: row[column.diverted]!,
    badClients: row[column.badClients]!,
    newClients: row[column.newClients]!,
    repeated: row[column.repeated]!,
    beyondMs: row[column.beyondMs]!,
    latency: Array.from(row.subarray(column.buckets)),
  };
}
