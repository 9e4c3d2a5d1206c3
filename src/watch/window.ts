/**
 * Counters over a sliding window. A source gives cumulative counts, which fall to zero when it restarts; a
 * series keeps them as totals that only grow, so that any two samples can be subtracted. Plain JSON.
 */
export interface Series {
  /** The counts as the source gave them last. */
  raw: number[];
  /** Upper bounds of the buckets among the counts, null for none; empty when there are no buckets. */
  edges: (number | null)[];
  /** Rising in time; the first is at least a window old once the series is. */
  samples: Sample[];
}

export interface Sample {
  atMs: number;
  totals: number[];
}

/** What happened between two samples. */
export interface WindowDelta {
  spanMs: number;
  counts: number[];
  edges: (number | null)[];
}

/** A window keeps at most this many samples; a longer one is cut at samples that lie further apart. */
export const MAX_SAMPLES = 240;

export const emptySeries: Series = { raw: [], edges: [], samples: [] };

/**
 * The series with one more reading. A reading that is not newer than the last changes nothing. Counts that fell
 * mean that the source restarted (or that a part of it is gone): nothing is concluded from that one reading, and
 * counting goes on from there, so that an old count can never enter a window. Other buckets start the series anew.
 */
export function append(
  series: Series,
  atMs: number,
  reading: { totals: number[]; edges: (number | null)[] },
  windowMs: number,
): Series {
  const last = series.samples.at(-1);
  const isSameShape =
    series.raw.length === reading.totals.length &&
    series.edges.length === reading.edges.length &&
    series.edges.every((edge, index) => edge === reading.edges[index]);
  if (last === undefined || !isSameShape) {
    return {
      raw: reading.totals,
      edges: reading.edges,
      samples: [{ atMs, totals: reading.totals.map(() => 0) }],
    };
  }
  if (atMs <= last.atMs) return series;
  const hasRestarted = reading.totals.some((count, index) => count < (series.raw[index] ?? 0));
  const totals = reading.totals.map((count, index) => {
    const gain = hasRestarted ? 0 : count - (series.raw[index] ?? 0);
    return (last.totals[index] ?? 0) + gain;
  });
  const samples = prune([...series.samples, { atMs, totals }], windowMs);
  return { raw: reading.totals, edges: series.edges, samples };
}

/**
 * What happened in the last `windowMs`, from the newest sample that is at least that old; while the series is
 * younger, since its beginning. Undefined until there are two samples.
 */
export function deltaOver(series: Series, windowMs: number): WindowDelta | undefined {
  const last = series.samples.at(-1);
  if (last === undefined || series.samples.length < 2) return undefined;
  const from = series.samples.findLast((sample) => sample.atMs <= last.atMs - windowMs) ?? series.samples[0]!;
  const counts = last.totals.map((total, index) => total - (from.totals[index] ?? 0));
  return { spanMs: last.atMs - from.atMs, counts, edges: series.edges };
}

/** Drops what no window can reach any more, and the sample before the newest when it lies too close to the one before it. */
function prune(samples: Sample[], windowMs: number): Sample[] {
  const newest = samples.at(-1)!;
  const first = samples.findLastIndex((sample) => sample.atMs <= newest.atMs - windowMs);
  const kept = first > 0 ? samples.slice(first) : samples;
  const before = kept.at(-2);
  const beforeThat = kept.at(-3);
  const resolutionMs = windowMs / MAX_SAMPLES;
  if (before === undefined || beforeThat === undefined) return kept;
  return before.atMs - beforeThat.atMs < resolutionMs ? kept.toSpliced(-2, 1) : kept;
}
