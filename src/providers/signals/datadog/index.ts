import { parseDuration } from "../../../lib/duration.ts";
import { printMetric, type Metric } from "../../../model/metric.ts";
import type { SignalKind, SignalPorts } from "../../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../../model/signal-source.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { bucketsFor } from "../buckets.ts";
import { verdictOf, worstOf } from "../verdicts.ts";
import { openApi, type Api } from "./api.ts";
import { checkQuery } from "./check.ts";
import { queryCounts, queryEvents, queryValues } from "./queries.ts";
import { datadogSchema, textsOf, type DatadogSettings, type Query } from "./settings.ts";

/** The kind's entry among the sources. */
export const datadogSignals: SignalKind = {
  summary: "Metrics of Datadog, by its query API (v1).",
  notes: [
    "It has met only an emulator, which Datadog's own client for JavaScript refereed; nobody has tried it on Datadog itself yet.",
    "Counts are asked for with `.as_count().rollup(sum, …)`, so that each point is the sum of its time. Where Datadog has a point of `total` and none of `bad`, nothing went wrong; where it has none of `total`, nothing is known: Datadog does not tell no requests from no report.",
    "Datadog's points begin at multiples of their length since 1970. A point belongs to the span of the watch in which it begins, so that none is counted twice and nothing from before the release comes in; a span reaches up to one point further than it says, and `lag` grows by that.",
    "A release is compared as Datadog keeps tags: in lower case, other characters than letters, digits and `_-:./` as `_`. Rules can compare releases where every metric of a query has `{release}` in its scope.",
    "Keys are checked before a plan is made, and that Datadog knows every metric by its name: a metric that is only sent with the first error is not known before that.",
  ],
  example: `site: datadoghq.eu
apiKey: env:DD_API_KEY
applicationKey: env:DD_APPLICATION_KEY
queries:
  error_rate:
    bad: sum:trace.http.request.errors{service:shop,version:{release}}
    total: sum:trace.http.request.hits{service:shop,version:{release}}
  failed_payments:
    events: sum:shop.payments.failed{env:prod}
  pg_conn:
    value: max:postgresql.connections{env:prod}
    max: 100
`,
  schema: datadogSchema,
  open: (name, settings, ports) => new DatadogSource(name, datadogSchema.parse(settings), ports),
};

class DatadogSource implements SignalSource {
  readonly kind: string = "datadog";
  readonly name: string;
  readonly traits: SignalSource["traits"];
  readonly #settings: DatadogSettings;
  readonly #api: Api;
  readonly #now: () => number;

  constructor(name: string, settings: DatadogSettings, ports: SignalPorts) {
    this.name = name;
    this.#settings = settings;
    this.#now = () => ports.clock.now().getTime();
    const floorMs = parseDuration(settings.resolution)!;
    // A span reaches up to one point further than it was asked for.
    this.traits = { lagMs: parseDuration(settings.lag)! + floorMs, floorMs, history: "range" };
    this.#api = openApi({
      url: settings.url ?? `https://api.${settings.site}`,
      apiKey: ports.secret(settings.apiKey).reveal(),
      applicationKey: ports.secret(settings.applicationKey).reveal(),
      timeoutMs: parseDuration(settings.timeout)!,
      who: `${name} (datadog)`,
      clock: ports.clock,
      redact: ports.redact,
    });
  }

  gives(metric: Metric): Given | undefined {
    const query = this.#queryFor(metric);
    if (query === undefined) return undefined;
    const perRelease = textsOf(query).every((text) => text.includes("{release}"));
    if ("value" in query) return { form: "values", perRelease };
    return { form: "events" in query ? "events" : "counts", perRelease };
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const valid = await this.#api.validate(signal);
    if (!valid.ok) return verdictOf(valid.error);
    if (!valid.value) return { verdict: "fail", reason: `${this.name} (datadog) does not take the API key` };
    const verdicts: Verdict[] = [];
    for (const metric of metrics) {
      const query = this.#queryFor(metric);
      const found: Verdict =
        query === undefined
          ? { verdict: "fail", reason: `${this.name} has no query for it` }
          : await checkQuery(this.#api, query, { release, atMs: this.#now() }, signal);
      const reason = found.reason === "" ? "" : `${printMetric(metric)}: ${found.reason}`;
      verdicts.push({ ...found, reason });
    }
    return worstOf(verdicts, `${this.name} (datadog) knows all of them`);
  }

  async query(question: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    signal.throwIfAborted();
    const { metric } = question;
    const query = this.#queryFor(metric);
    if (query === undefined)
      return {
        state: "error",
        reason: `${this.name} has no query for ${printMetric(metric)}`,
        isLasting: true,
      };
    const buckets = bucketsFor(question, this.traits.floorMs);
    if ("value" in query) return await queryValues(this.#api, query, question, buckets, signal);
    if ("events" in query) return await queryEvents(this.#api, query, question, buckets, signal);
    return await queryCounts(this.#api, query, question, buckets, signal);
  }

  #queryFor(metric: Metric): Query | undefined {
    const { error_rate: errorRate, ...named } = this.#settings.queries;
    if (metric.kind === "error_rate") return errorRate;
    if (metric.kind === "share" || metric.kind === "quantile") return undefined;
    const query = Object.hasOwn(named, metric.name) ? named[metric.name] : undefined;
    if (query === undefined) return undefined;
    if (metric.kind === "gauge") return "value" in query ? query : undefined;
    if (metric.kind === "count") return "events" in query ? query : undefined;
    return query;
  }
}
