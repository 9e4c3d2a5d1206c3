import type { Metric } from "./metric.ts";
import type { Verdict } from "./verdict.ts";

/**
 * A source of measured series: Prometheus, the edge of the local target, a database. It only reads. Success, "there
 * is nothing" and "could not find out" are three different answers, and none of them is ever made up from another.
 * `testing/conformance/signal-source.ts` is the suite that every source passes.
 */
export interface SignalSource {
  /** As the runbook calls it. */
  readonly name: string;
  readonly kind: string;
  readonly traits: SourceTraits;
  /** What it can say about the metric; undefined when nothing. Pure: from its settings alone. */
  gives(metric: Metric): Given | undefined;
  /**
   * Whether every metric can be asked for: before a plan is made, and once more before the watch. pass: it answered.
   * fail: it never will (credentials, an unknown series, a query that is refused); the reason says which metric.
   * unknown: it could not be asked now. Never throws but the signal's reason.
   */
  check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict>;
  /** Never throws but the signal's reason: what goes wrong is an answer. Repeating a question is harmless. */
  query(question: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer>;
}

export interface SourceTraits {
  /** How old data must be before it can be relied on: what is younger may still change. 0 for a source that counts itself. */
  lagMs: number;
  /** The finest step that it can give; a rule that is shorter is refused. */
  floorMs: number;
  /**
   * range: the past can be asked for, as it was. counter: numbers that only grow, as they are now; a gap is covered as a
   * whole by the next answer. now: values at this moment; what was not asked for is lost.
   */
  history: "range" | "counter" | "now";
}

export interface Given {
  /** counts: how many of how many. events: only how many. values: numbers without a sample size. */
  form: "counts" | "events" | "values";
  /** Whether it can tell the releases apart, which a comparison with the previous release needs. */
  perRelease: boolean;
}

export interface SeriesQuestion {
  metric: Metric;
  /** Whose requests; sources that cannot tell releases apart answer for the whole service. */
  release: string;
  /**
   * Points in time, ms since 1970. Asked for are the spans (fromMs + i · stepMs, fromMs + (i + 1) · stepMs] up to and
   * with toMs; toMs − fromMs is a multiple of stepMs. A source that knows only the present answers about the present.
   */
  fromMs: number;
  toMs: number;
  stepMs: number;
}

export type SeriesAnswer =
  /** One for each span about which anything is known, in order of time. A span without a request has total 0. */
  | { state: "counts"; points: CountPoint[] }
  /** In order of time. */
  | { state: "values"; points: ValuePoint[] }
  /**
   * From a source of cumulative counters: the sums since its own beginning. Smaller than before, or of a process that
   * began more than 2 s earlier or later (seconds since 1970, where it says so): it began anew.
   */
  | {
      state: "counter";
      atMs: number;
      bad: number;
      total: number;
      visitors?: number;
      processStartSeconds?: number;
    }
  /** It answered, and there is nothing: an empty series, null, NaN, a denominator of 0. `raw` is what it said. */
  | { state: "no-data"; reason: string; raw?: string }
  /** It did not answer, or refused. lasting: asking again changes nothing until a person acts (401, 403, 404, 422). */
  | { state: "error"; reason: string; isLasting: boolean; retryAfterMs?: number };

/** In (fromMs, toMs]: `bad` of `total`; of an events metric, `bad` events and total 0. Finite, 0 ≤ bad. */
export interface CountPoint {
  fromMs: number;
  toMs: number;
  bad: number;
  total: number;
  /**
   * New visitors for whom it was drawn in this time, each independently, that the release serves them: what tells
   * whether traffic is shared out as intended, which requests of visitors who stay cannot. Not those who came before.
   * Absent when the source does not know, which is not 0; the same in a counter.
   */
  visitors?: number;
}

export interface ValuePoint {
  atMs: number;
  /** Finite. */
  value: number;
  /** The greatest possible value, where the source names it: max_connections. */
  max?: number;
}
