import type { Clock } from "../../lib/clock.ts";
import type { Metric } from "../../model/metric.ts";
import type {
  CountPoint,
  Given,
  SeriesAnswer,
  SeriesQuestion,
  SignalSource,
  SourceTraits,
} from "../../model/signal-source.ts";
import type { Verdict } from "../../model/verdict.ts";
import type { EdgeClient, EdgeCounters, EdgeHistory } from "./edge-client.ts";
import { edgeSpanMs, quantilePoints, spansEndingIn } from "./edge-quantiles.ts";

type Counted = EdgeHistory["points"][number];
type Sums = Pick<CountPoint, "bad" | "total" | "visitors">;

const EVENTS = ["requests", "errors", "bad_clients"];
const NOT_RUNNING = "no edge is running";

/**
 * What the edge counted per release. A request counts when its answer is complete; one that was a release's share but
 * went elsewhere because the release was down counts as its error. Errors of one client beyond what one can contribute are
 * left out of error_rate, as bad ones and as requests. Its visitors are the clients that were given a bucket
 * of it. Questions whose times are multiples of 10 s and past are answered from the history of the last 24 h; all others
 * with the counters as they are now, which an edge keeps when it is replaced and loses when it is killed. Quantiles come
 * from the history whatever the times. Requirement E4.
 */
export class EdgeSource implements SignalSource {
  readonly name: string = "edge";
  readonly kind: string = "edge";
  readonly traits: SourceTraits = { lagMs: 0, floorMs: 100, history: "range" };
  readonly #client: EdgeClient;
  readonly #clock: Clock;

  constructor(client: EdgeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * error_rate; share, where the edge counts to that latency; quantile, as the bound that so many requests did not
   * exceed, above the last bound as their mean; count(requests), count(errors), and count(bad_clients): clients that
   * got an error, each once in 10 s, at most 256 of them.
   */
  gives(metric: Metric): Given | undefined {
    switch (metric.kind) {
      case "error_rate":
      case "share":
        return { form: "counts", perRelease: true };
      case "quantile":
        return { form: "values", perRelease: true };
      case "count":
        return EVENTS.includes(metric.name) ? { form: "events", perRelease: true } : undefined;
      case "gauge":
      case "query":
        return undefined;
    }
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    const foreign = metrics.find((metric) => this.gives(metric) === undefined);
    if (foreign !== undefined)
      return { verdict: "fail", reason: `the edge does not measure ${describe(foreign)}` };
    signal.throwIfAborted();
    try {
      const history = await this.#client.history(release, undefined, signal);
      if (history === undefined) return { verdict: "unknown", reason: NOT_RUNNING };
      for (const metric of metrics) {
        const reason = unboundedReason(metric, history.boundsMs);
        if (reason !== undefined) return { verdict: "fail", reason };
      }
      return { verdict: "pass", reason: "the edge answers" };
    } catch (error) {
      signal.throwIfAborted();
      return { verdict: "unknown", reason: messageOf(error) };
    }
  }

  async query(question: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    const { metric } = question;
    signal.throwIfAborted();
    if (this.gives(metric) === undefined)
      return failed(`the edge does not measure ${describe(metric)}`, true);
    try {
      if (metric.kind === "quantile") return await this.#quantiles(question, metric.percent, signal);
      return (await this.#past(question, signal)) ?? (await this.#counter(question, signal));
    } catch (error) {
      signal.throwIfAborted();
      return failed(messageOf(error), false);
    }
  }

  async #quantiles(question: SeriesQuestion, percent: number, signal: AbortSignal): Promise<SeriesAnswer> {
    const history = await this.#client.history(question.release, spansEndingIn(question), signal);
    if (history === undefined) return failed(NOT_RUNNING, false);
    if (!history.isKnown) return unknownRelease(question.release);
    const points = quantilePoints(question, percent, history);
    if (points.length > 0) return { state: "values", points };
    return { state: "no-data", reason: "the edge knows of no answered request in that time" };
  }

  /** Undefined when the question is not about whole spans of the past. */
  async #past(question: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer | undefined> {
    const { metric, release, fromMs, toMs, stepMs } = question;
    if ([fromMs, toMs, stepMs].some((ms) => ms <= 0 || ms % edgeSpanMs !== 0)) return undefined;
    const history = await this.#client.history(release, { fromMs, toMs, stepMs }, signal);
    if (history === undefined) return failed(NOT_RUNNING, false);
    if (!history.isKnown) return unknownRelease(release);
    const unbounded = unboundedReason(metric, history.boundsMs);
    if (unbounded !== undefined) return failed(unbounded, true);
    if (toMs > history.closedToMs) return undefined;
    if (history.points.length === 0)
      return { state: "no-data", reason: "the edge knows nothing of that time" };
    const points = history.points.map((point) => ({
      fromMs: point.fromMs,
      toMs: point.toMs,
      ...sumsOf(metric, point, history.boundsMs),
    }));
    return { state: "counts", points };
  }

  async #counter({ metric, release }: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    const counters = await this.#client.counters(signal);
    if (counters === undefined) return failed(NOT_RUNNING, false);
    const one = counters.find((counted) => counted.release === release);
    if (one === undefined) return unknownRelease(release);
    const boundsMs = one.latency.flatMap(({ leMs }) => leMs ?? []);
    const unbounded = unboundedReason(metric, boundsMs);
    if (unbounded !== undefined) return failed(unbounded, true);
    const sums = sumsOf(metric, { ...one, latency: bucketsOf(one) }, boundsMs);
    return { state: "counter", atMs: this.#clock.now().getTime(), ...sums };
  }
}

/** `latency` is per bucket, not cumulative. */
function sumsOf(
  metric: Metric,
  counted: Pick<
    Counted,
    "requests" | "errors" | "diverted" | "badClients" | "newClients" | "repeated" | "latency"
  >,
  boundsMs: readonly number[],
): Sums {
  const errors = counted.errors + counted.diverted;
  const requests = counted.requests + counted.diverted;
  const { newClients, repeated } = counted;
  const visitors = newClients === undefined ? {} : { visitors: newClients };
  if (metric.kind === "share") {
    const slower = counted.latency.slice(boundsMs.indexOf(metric.slowerThanMs) + 1);
    return { bad: sum(slower), total: sum(counted.latency), ...visitors };
  }
  if (metric.kind !== "count") return { bad: errors - repeated, total: requests - repeated, ...visitors };
  const events = { requests, errors, bad_clients: counted.badClients }[metric.name];
  return { bad: events ?? 0, total: 0 };
}

function bucketsOf({ latency }: EdgeCounters[number]): number[] {
  return latency.map(({ count }, index) => count - (latency[index - 1]?.count ?? 0));
}

/** Why the edge cannot tell which requests were slower. It never estimates between two bounds. */
function unboundedReason(metric: Metric, boundsMs: readonly number[]): string | undefined {
  if (metric.kind !== "share" || boundsMs.includes(metric.slowerThanMs)) return undefined;
  const below = boundsMs.findLast((boundMs) => boundMs < metric.slowerThanMs);
  const above = boundsMs.find((boundMs) => boundMs > metric.slowerThanMs);
  const near = [below, above].flatMap((boundMs) => (boundMs === undefined ? [] : `${boundMs} ms`));
  return `the edge does not count to a latency of ${metric.slowerThanMs} ms, but to ${near.join(" and ")}`;
}

function describe(metric: Metric): string {
  return "name" in metric ? `${metric.kind}(${metric.name})` : metric.kind;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function unknownRelease(release: string): SeriesAnswer {
  return { state: "no-data", reason: `the edge knows nothing about release ${release}` };
}

function failed(reason: string, isLasting: boolean): SeriesAnswer {
  return { state: "error", reason, isLasting };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
