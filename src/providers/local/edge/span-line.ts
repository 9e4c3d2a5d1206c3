import { rowOf, shortened, type Row } from "./columns.ts";
import { spanMs, type ClosedSpan } from "./span-history.ts";

/** A closed span as JSON: its start in ms since 1970, and the rows of the releases that had traffic. */
export interface SpanLine {
  at: number;
  rows: Record<string, number[]>;
}

export function lineOf({ index, rows }: ClosedSpan): SpanLine {
  return { at: index * spanMs, rows: rowsToJson(rows) };
}

/** Throws a plain Error when it is none. */
export function spanOf(value: unknown): ClosedSpan {
  const { at, rows } = (value ?? {}) as Partial<Record<keyof SpanLine, unknown>>;
  if (!Number.isSafeInteger(at) || (at as number) <= 0 || (at as number) % spanMs !== 0) {
    throw new Error(`${String(at)} is not the beginning of a span`);
  }
  return { index: (at as number) / spanMs, rows: rowsFromJson(rows) };
}

export function rowsToJson(rows: ReadonlyMap<string, ArrayLike<number>>): Record<string, number[]> {
  return Object.fromEntries([...rows].map(([release, row]) => [release, shortened(row)]));
}

/** Throws a plain Error when it is none. */
export function rowsFromJson(value: unknown): Map<string, Row> {
  if (typeof value !== "object" || value === null) throw new Error("there are no rows of counts");
  return new Map(Object.entries(value).map(([release, row]) => [release, rowOf(row)]));
}
