import type { CountPoint, SeriesQuestion } from "../../model/signal-source.ts";

type Asked = Pick<SeriesQuestion, "fromMs" | "toMs" | "stepMs">;

/**
 * Of a server that counts by buckets of its own: they begin at multiples of their length since 1970, and nothing finer
 * can be had. A bucket belongs to the span in which it begins. So the spans of a watch share the buckets among
 * themselves, each bucket once, however they are cut, and nothing from before the first span comes in. What a span is
 * said to have counted ends up to one bucket later than the span.
 */
export interface Buckets {
  lengthMs: number;
  /** Of the first bucket, and the end of the last one. Equal when no bucket begins in the asked time. */
  fromMs: number;
  toMs: number;
}

/** By the beginning of each bucket. */
export type ByBucket = ReadonlyMap<number, number>;

/** More buckets would not make a span more exact in any way that counts. */
const MOST_PER_SPAN = 1_000;

/** The buckets that a question is about, `floorMs` long; longer ones when the steps are very long. */
export function bucketsFor({ fromMs, toMs, stepMs }: Asked, floorMs: number): Buckets {
  const lengthMs = floorMs * Math.ceil(stepMs / (MOST_PER_SPAN * floorMs));
  return { lengthMs, fromMs: firstFrom(fromMs, lengthMs), toMs: firstFrom(toMs, lengthMs) };
}

/**
 * One point for each span of which anything is known. The buckets of `total`, or of `bad` without one, say that
 * something was counted: in one of them a missing `bad` is none. A span in which no bucket begins has had its share:
 * nothing.
 */
export function spansOf(
  { fromMs, toMs, stepMs }: Asked,
  { lengthMs }: Buckets,
  { bad, total }: { bad: ByBucket; total?: ByBucket },
): CountPoint[] {
  const points: CountPoint[] = [];
  for (let start = fromMs; start < toMs; start += stepMs) {
    const inside = beginningsIn(start, start + stepMs, lengthMs);
    const known = inside.filter((at) => (total ?? bad).has(at));
    if (inside.length > 0 && known.length === 0) continue;
    const sum = (counts: ByBucket): number => known.reduce((all, at) => all + (counts.get(at) ?? 0), 0);
    points.push({
      fromMs: start,
      toMs: start + stepMs,
      bad: sum(bad),
      total: total === undefined ? 0 : sum(total),
    });
  }
  return points;
}

/** The beginnings of all buckets that begin in [fromMs, toMs). */
function beginningsIn(fromMs: number, toMs: number, lengthMs: number): number[] {
  const first = firstFrom(fromMs, lengthMs);
  const count = Math.max(0, Math.ceil((toMs - first) / lengthMs));
  return Array.from({ length: count }, (_, index) => first + index * lengthMs);
}

function firstFrom(ms: number, lengthMs: number): number {
  return Math.ceil(ms / lengthMs) * lengthMs;
}
