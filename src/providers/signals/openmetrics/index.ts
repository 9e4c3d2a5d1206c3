import { parseDuration } from "../../../lib/duration.ts";
import { suggest } from "../../../lib/did-you-mean.ts";
import { printMetric, type Metric } from "../../../model/metric.ts";
import type { SignalKind, SignalPorts } from "../../../model/signal-kind.ts";
import type { Given, SeriesAnswer, SeriesQuestion, SignalSource } from "../../../model/signal-source.ts";
import type { Verdict } from "../../../model/verdict.ts";
import { ask, type SeriesError } from "../ask.ts";
import { expressionsOf, queryFor } from "../queries.ts";
import { nameOf, selectorOf } from "../selector.ts";
import { verdictOf, worstOf } from "../verdicts.ts";
import { authorization, openAddress } from "../web-settings.ts";
import { formatOf, parseExposition, typeOf, type Exposition } from "./exposition.ts";
import { isExposed, measure, type Reading } from "./measure.ts";
import { openmetricsSchema, type OpenMetricsSettings, type Query, type ValueQuery } from "./settings.ts";

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const ACCEPTED = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/** The kind's entry among the sources. */
export const openmetricsSignals: SignalKind = {
  summary:
    "What an application itself exposes for Prometheus, read at its own address, without a Prometheus.",
  notes: [
    "It is read anew at each question, and only the present can be asked for: of what came while nobody asked, counters tell the sum, values nothing.",
    "The address must always lead to the same process. Behind a balancer each answer would be that of another one, and counters would seem to begin anew. Where it exposes one `process_start_time_seconds`, a restart is seen by that, also when the counters have more by then.",
    "A text that is invalid anywhere, or cut off, is no answer. A series that is not there has counted nothing, as long as its metric is there.",
    "`share(latency > …)` is exact, and therefore only given for bounds of the histogram's own buckets. Quantiles are not given.",
    "Patterns (`=~`, `!~`) are those of RE2, as in Prometheus.",
  ],
  example: `path: /metrics
metrics:
  error_rate:
    bad: http_requests_total{status=~"5..", release="{release}"}
    total: http_requests_total{release="{release}"}
  latency:
    buckets: http_request_duration_seconds_bucket
  pool:
    value: db_pool_connections{state="used"}
    max: db_pool_size
`,
  schema: openmetricsSchema,
  open: (name, settings, ports) => new OpenMetricsSource(name, openmetricsSchema.parse(settings), ports),
};

type Scraped = { ok: true; exposition: Exposition; nowMs: number } | { ok: false; error: SeriesError };

class OpenMetricsSource implements SignalSource {
  readonly kind: string = "openmetrics";
  readonly name: string;
  readonly traits: SignalSource["traits"];
  readonly #settings: OpenMetricsSettings;
  readonly #ports: SignalPorts;
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(name: string, settings: OpenMetricsSettings, ports: SignalPorts) {
    this.name = name;
    this.#settings = settings;
    this.#ports = ports;
    this.#url =
      (settings.url === undefined ? ports.url : openAddress(settings.url, ports.secret)).replace(/\/+$/, "") +
      settings.path;
    this.#headers = { accept: ACCEPTED, ...authorization(settings, ports.secret) };
    const isCounted = Object.values(settings.metrics).some(
      (query) => query !== undefined && !("value" in query),
    );
    this.traits = { lagMs: 0, floorMs: 0, history: isCounted ? "counter" : "now" };
  }

  gives(metric: Metric): Given | undefined {
    const query = this.#queryFor(metric);
    if (query === undefined) return undefined;
    const perRelease = expressionsOf(query).every((expression) => expression.includes("{release}"));
    if ("value" in query) return { form: "values", perRelease };
    return { form: "events" in query ? "events" : "counts", perRelease };
  }

  async check(metrics: readonly Metric[], release: string, signal: AbortSignal): Promise<Verdict> {
    const scraped = await this.#scrape(signal);
    if (!scraped.ok) return verdictOf(scraped.error);
    const verdicts = await Promise.all(
      metrics.map(async (metric): Promise<Verdict> => {
        const query = this.#queryFor(metric);
        if (query === undefined) return { verdict: "fail", reason: this.#noQuery(metric) };
        const { verdict, reason } = await checkMetric(metric, query, { ...scraped, release });
        return { verdict, reason: reason === "" ? "" : `${printMetric(metric)}: ${reason}` };
      }),
    );
    return worstOf(verdicts, `${this.name} (openmetrics) exposes all of them`);
  }

  async query({ metric, release }: SeriesQuestion, signal: AbortSignal): Promise<SeriesAnswer> {
    const query = this.#queryFor(metric);
    if (query === undefined) return { state: "error", reason: this.#noQuery(metric), isLasting: true };
    const scraped = await this.#scrape(signal);
    if (!scraped.ok) return scraped.error;
    return await measure(metric, query, { ...scraped, release });
  }

  async #scrape(signal: AbortSignal): Promise<Scraped> {
    const { clock, redact } = this.#ports;
    const who = `${this.name} (openmetrics)`;
    const request = {
      url: this.#url,
      headers: this.#headers,
      timeoutMs: parseDuration(this.#settings.timeout)!,
      maxBodyBytes: MAX_BODY_BYTES,
      signal,
    };
    const asked = await ask({ request, who, now: clock.now(), redact });
    if (!asked.ok) return asked;
    const { body, headers } = asked.response;
    const parsed = parseExposition(body, formatOf(headers["content-type"]));
    if (parsed.ok) return { ok: true, exposition: parsed.exposition, nowMs: clock.now().getTime() };
    return { ok: false, error: { state: "error", reason: `${who}: ${parsed.problem}`, isLasting: false } };
  }

  #queryFor(metric: Metric): Query | undefined {
    if (metric.kind === "quantile") return undefined;
    return queryFor<ValueQuery>(metric, this.#settings.metrics);
  }

  #noQuery(metric: Metric): string {
    return `${this.name} has no ${printMetric(metric)}`;
  }
}

/** A metric that is not there at all, or is of another type, is a mistake of the runbook. */
async function checkMetric(metric: Metric, query: Query, reading: Reading): Promise<Verdict> {
  const { exposition } = reading;
  for (const text of expressionsOf(query)) {
    const name = nameOf(selectorOf(text));
    if (name === undefined) continue;
    if (!isExposed(text, exposition)) {
      const names = [...new Set(exposition.samples.map(({ labels }) => labels.__name__ ?? ""))];
      return { verdict: "fail", reason: `there is no metric ${name}; ${suggest(name, names, "there are")}` };
    }
    const type = typeOf(exposition, name);
    if (!("value" in query) && type === "gauge")
      return { verdict: "fail", reason: `${name} is a gauge, and no counter` };
  }
  const answer = await measure(metric, query, reading);
  if (answer.state === "error") return verdictOf(answer);
  return { verdict: "pass", reason: answer.state === "no-data" ? answer.reason : "" };
}
