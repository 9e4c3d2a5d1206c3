/** Upper bounds of the latency buckets in milliseconds, inclusive; one more bucket without a bound follows. */
export const latencyBoundsMs = [
  5, 10, 25, 50, 100, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10_000,
  15_000, 30_000, 60_000,
] as const;

/**
 * What is counted of a release, as places in one row of numbers. All of them only grow, so the row of a span of time
 * is the difference of two moments, and rows of several spans or of several edge processes are added up.
 */
export const column = {
  /** Requests given to the release that were answered or failed. */
  requests: 0,
  /** Of them, those answered with 5xx or not answered to the end. */
  errors: 1,
  /** Requests that were this release's share but went to another one, because it was down. */
  diverted: 2,
  /** Clients that got an error or were diverted; each counts once in a span of 10 s. */
  badClients: 3,
  /** Milliseconds until the response headers, over all requests that were answered. */
  sumMs: 4,
  /** The same, only of those slower than the last bound. */
  beyondMs: 5,
  /**
   * Clients without a bucket to whom one of this release's was given, whoever then served them; each is an independent
   * draw. A client that keeps no cookies is a new one with each request.
   */
  newClients: 6,
  /** Errors and diverted requests beyond what one client can contribute; see ClientCap. */
  repeated: 7,
  /** The first of the latency buckets. Requests without an answer are in none. */
  buckets: 8,
} as const;

export const columnCount: number = column.buckets + latencyBoundsMs.length + 1;

/** Names the meaning of the columns between edge processes and in files. Raise it whenever they or the bounds change. */
export const columnsVersion = 3;

/** Numbers in the order of `column`. */
export type Row = Float64Array;

export function emptyRow(): Row {
  return new Float64Array(columnCount);
}

export function addTo(sum: Row, row: ArrayLike<number>): void {
  for (let index = 0; index < row.length; index++) sum[index]! += row[index]!;
}

export function isEmpty(row: Row): boolean {
  return row.every((count) => count === 0);
}

/** Without the zeros at its end: most requests are fast, so most of the last buckets are empty. */
export function shortened(row: ArrayLike<number>): number[] {
  let length = row.length;
  while (length > 0 && row[length - 1] === 0) length -= 1;
  return Array.from({ length }, (_, index) => row[index]!);
}

/** A row that was shortened and came as JSON; throws a plain Error when it cannot be one. */
export function rowOf(value: unknown): Row {
  if (!Array.isArray(value) || value.length > columnCount) throw new Error("a row of counts must be a list");
  const row = emptyRow();
  for (const [index, count] of value.entries()) {
    if (typeof count !== "number" || !Number.isFinite(count) || count < 0) {
      throw new Error(`${String(count)} cannot be a count`);
    }
    row[index] = count;
  }
  return row;
}
