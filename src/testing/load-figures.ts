/** What was counted about one group of requests. Plain JSON; times are epoch milliseconds. */
export interface LoadFigures {
  /** Requests that have ended, well or badly. */
  requests: number;
  /** Of those: network errors, timeouts and answers with status 500 or above. */
  failed: number;
  networkErrors: number;
  timeouts: number;
  /** How often each status was answered. */
  statuses: Record<string, number>;
  /** How often each error code (such as ECONNRESET) ended a request; timeouts are not among them. */
  errors: Record<string, number>;
  latency: LatencyFigures;
  firstSeenAt: number | null;
  lastSeenAt: number | null;
  /** First and last end of a failed request. */
  firstBadAt: number | null;
  lastBadAt: number | null;
}

/** Milliseconds from sending to the end of the answer, of all requests that were answered, whatever the status. */
interface LatencyFigures {
  /** Percentiles are interpolated in a histogram whose buckets are 10 % wide; null before the first answer. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  /** Buckets that are not empty: answers that took up to `upToMs` and longer than the bucket before. */
  histogram: { upToMs: number; count: number }[];
}

/** How one request ended. */
export type LoadOutcome =
  | { kind: "answered"; status: number; durationMs: number }
  | { kind: "timeout" }
  | { kind: "network-error"; code: string };

const SMALLEST_MS = 0.25;
const GROWTH = 1.1;
const BUCKETS = 140;

/** Adds up outcomes; `figures` may be asked for at any time. */
export class LoadTally {
  #requests = 0;
  #failed = 0;
  #networkErrors = 0;
  #timeouts = 0;
  readonly #statuses = new Map<number, number>();
  readonly #errors = new Map<string, number>();
  readonly #buckets = new Uint32Array(BUCKETS);
  #maxMs: number | null = null;
  #firstSeenAt: number | null = null;
  #lastSeenAt: number | null = null;
  #firstBadAt: number | null = null;
  #lastBadAt: number | null = null;

  /** `at` is the epoch millisecond at which the request ended. */
  add(outcome: LoadOutcome, at: number): void {
    this.#requests += 1;
    this.#firstSeenAt ??= at;
    this.#lastSeenAt = at;
    if (this.#count(outcome)) return;
    this.#failed += 1;
    this.#firstBadAt ??= at;
    this.#lastBadAt = at;
  }

  figures(): LoadFigures {
    return {
      requests: this.#requests,
      failed: this.#failed,
      networkErrors: this.#networkErrors,
      timeouts: this.#timeouts,
      statuses: Object.fromEntries(this.#statuses),
      errors: Object.fromEntries(this.#errors),
      latency: latencyOf(this.#buckets, this.#maxMs),
      firstSeenAt: this.#firstSeenAt,
      lastSeenAt: this.#lastSeenAt,
      firstBadAt: this.#firstBadAt,
      lastBadAt: this.#lastBadAt,
    };
  }

  /** True when the request went well. */
  #count(outcome: LoadOutcome): boolean {
    if (outcome.kind === "timeout") {
      this.#timeouts += 1;
      return false;
    }
    if (outcome.kind === "network-error") {
      this.#networkErrors += 1;
      increment(this.#errors, outcome.code);
      return false;
    }
    increment(this.#statuses, outcome.status);
    this.#buckets[bucketOf(outcome.durationMs)]! += 1;
    this.#maxMs = Math.max(this.#maxMs ?? 0, outcome.durationMs);
    return outcome.status < 500;
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function bucketOf(durationMs: number): number {
  if (durationMs <= SMALLEST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(durationMs / SMALLEST_MS) / Math.log(GROWTH)));
}

function upperMs(bucket: number): number {
  return SMALLEST_MS * GROWTH ** bucket;
}

function latencyOf(buckets: Uint32Array, maxMs: number | null): LatencyFigures {
  const histogram = [...buckets]
    .map((count, bucket) => ({ upToMs: round(upperMs(bucket)), count }))
    .filter((row) => row.count > 0);
  const percentile = (share: number): number | null =>
    maxMs === null ? null : quantile(buckets, share, maxMs);
  return {
    p50Ms: percentile(0.5),
    p95Ms: percentile(0.95),
    p99Ms: percentile(0.99),
    maxMs: maxMs === null ? null : round(maxMs),
    histogram,
  };
}

function quantile(buckets: Uint32Array, share: number, maxMs: number): number {
  const rank = share * buckets.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of buckets.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : upperMs(bucket - 1);
      const to = Math.min(maxMs, upperMs(bucket));
      return round(from + ((to - from) * (rank - below)) / count);
    }
    below += count;
  }
  return round(maxMs);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
