import { parseDuration } from "../../../lib/duration.ts";
import { printMetric, type Metric } from "../../../model/metric.ts";
import type { SignalKind, SignalPorts } from "../../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../../model/signal-source.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { expressionsOf, queryFor, slownessOf } from "../queries.ts";
import { worstOf } from "../verdicts.ts";
import { authorization, openAddress } from "../web-settings.ts";
import { openApi, type Api } from "./api.ts";
import { checkQuery } from "./check.ts";
import { queryCounts, queryEvents } from "./counts.ts";
import { queryQuantile, queryShare } from "./latency.ts";
import { prometheusSchema, type PrometheusSettings, type Query, type ValueQuery } from "./settings.ts";
import { queryValues } from "./values.ts";

/** The kind's entry among the sources. */
export const prometheusSignals: SignalKind = {
  summary:
    "Series of a Prometheus server, or of one that speaks its HTTP API: Mimir, Thanos, VictoriaMetrics.",
  notes: [
    "Counters are read as they were sampled, and their growth is summed up exactly, at the time of the later of two samples. A value below the one before is that of a counter that began anew, and so is one whose process began anew by `process_start_time_seconds` of the same `job` and `instance`. Across more than 5 min without a sample nothing is known.",
    "A series that appears counts from 0 when it had not been there for a day and its metric was being read already; else from its first sample. While there is none of a release yet, and its metric is being read, it has had no request.",
    "Selectors are plain: a counter that is summed up by PromQL hides that one of its parts began anew.",
    "`share(latency > …)` is exact, and therefore only given for bounds of the histogram's own buckets. A quantile is interpolated inside of a bucket, and at most the greatest bound.",
    "Rules can compare releases where every selector of a query has `{release}` in it.",
  ],
  example: `url: http://127.0.0.1:9090
queries:
  error_rate:
    bad: http_requests_total{job="shop", status=~"5..", release="{release}"}
    total: http_requests_total{job="shop", release="{release}"}
  latency:
    buckets: http_request_duration_seconds_bucket{job="shop", release="{release}"}
  failed_payments:
    events: payments_total{result="failed"}
  pg_conn:
    value: sum(pg_stat_activity_count)
    max: max(pg_settings_max_connections)
`,
  schema: prometheusSchema,
  open: (name, settings, ports) => new PrometheusSource(name, prometheusSchema.parse(settings), ports),
};

class PrometheusSource implements SignalSource {
  readonly kind: string = "prometheus";
  readonly name: string;
  readonly traits: SignalSource["traits"];
  readonly #settings: PrometheusSettings;
  readonly #ports: SignalPorts;
  readonly #api: Api;

  constructor(name: string, settings: PrometheusSettings, ports: SignalPorts) {
    this.name = name;
    this.#settings = settings;
    this.#ports = ports;
    const floorMs = parseDuration(settings.interval)!;
    this.traits = { lagMs: parseDuration(settings.lag)!, floorMs, history: "range" };
    this.#api = openApi({
      url: openAddress(settings.url, ports.secret),
      headers: authorization(settings, ports.secret),
      timeoutMs: parseDuration(settings.timeout)!,
      who: `${name} (prometheus)`,
      clock: ports.clock,
      redact: ports.redact,
    });
  }

  gives(metric: Metric): Given | undefined {
    const query = this.#queryFor(metric);
    if (query === undefined) return undefined;
    const perRelease = expressionsOf(query).every((expression) => expression.includes("{release}"));
    if ("value" in query || metric.kind === "quantile") return { form: "values", perRelease };
    return { form: "events" in query ? "events" : "counts", perRelease };
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const options = { release, atMs: this.#ports.clock.now().getTime(), intervalMs: this.traits.floorMs };
    const verdicts = await Promise.all(
      metrics.map(async (metric) => {
        const query = this.#queryFor(metric);
        if (query === undefined) return { verdict: "fail" as const, reason: this.#noQuery(metric) };
        const { verdict, reason } = await checkQuery(this.#api, metric, query, options, signal);
        return { verdict, reason: reason === "" ? "" : `${printMetric(metric)}: ${reason}` };
      }),
    );
    return worstOf(verdicts, `${this.name} (prometheus) has samples of all of them`);
  }

  async query(question: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    signal.throwIfAborted();
    const { metric } = question;
    const query = this.#queryFor(metric);
    const api = this.#api;
    const asked = { ...question, intervalMs: this.traits.floorMs };
    if (query === undefined) return { state: "error", reason: this.#noQuery(metric), isLasting: true };
    if ("value" in query) return await queryValues(api, query, question, signal);
    if ("events" in query) return await queryEvents(api, query, asked, signal);
    if ("bad" in query) return await queryCounts(api, query, asked, signal);
    return metric.kind === "quantile"
      ? await queryQuantile(api, query, metric.percent, asked, signal)
      : await queryShare(api, query, slownessOf(metric), asked, signal);
  }

  #noQuery(metric: Metric): string {
    return `${this.name} has no query for ${printMetric(metric)}`;
  }

  #queryFor(metric: Metric): Query | undefined {
    return queryFor<ValueQuery>(metric, this.#settings.queries);
  }
}
