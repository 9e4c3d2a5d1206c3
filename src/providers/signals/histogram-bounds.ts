import type { LatencyQuery } from "./queries.ts";

const UNIT_MS = { s: 1000, ms: 1 } as const;
/** The bound of the bucket that holds everything. */
export const ALL = "+Inf";

/** The bound of a histogram's bucket. */
export interface Bound {
  /** As the label le has it. */
  text: string;
  ms: number;
}

/** In rising order. */
export function boundsOf(texts: readonly string[], { unit }: LatencyQuery): Bound[] {
  return texts
    .map((text) => ({ text, ms: text === ALL ? Infinity : Number(text) * UNIT_MS[unit] }))
    .toSorted((a, b) => a.ms - b.ms);
}

/** What is said of a time that is no bound. */
export function boundProblem({ unit }: LatencyQuery, slowerThanMs: number, bounds: readonly Bound[]): string {
  const wanted = slowerThanMs / UNIT_MS[unit];
  const texts = bounds.filter(({ ms }) => Number.isFinite(ms)).map(({ text }) => text);
  return `the histogram has no bucket bound at ${wanted} ${unit}, so that this share is not known; it has ${texts.join(", ")}`;
}

/** The bounds that are this time; they are decimal fractions of a second, written in several ways. */
export function boundsAt(bounds: readonly Bound[], slowerThanMs: number): Bound[] {
  return bounds.filter(({ ms }) => Math.abs(ms - slowerThanMs) <= 1e-9 * Math.max(1, Math.abs(slowerThanMs)));
}
