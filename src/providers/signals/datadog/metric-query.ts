/** One metric over a scope, as Datadog writes it: sum:trace.http.request.hits{service:shop,version:{release}}. */
export interface MetricQuery {
  aggregator: string;
  metric: string;
  /** What stands between the braces. */
  scope: string;
}

const QUERY = /^\s*(\w+):([A-Za-z][\w.]*)\{((?:[^{}]|\{release\})*)\}(\.as_count\(\))?\s*$/;

/** Pure. Undefined for anything else, such as arithmetic, functions and groups. */
export function parseMetricQuery(text: string): MetricQuery | undefined {
  const [, aggregator, metric, scope] = QUERY.exec(text) ?? [];
  if (aggregator === undefined || metric === undefined || scope === undefined) return undefined;
  return { aggregator, metric, scope: scope.trim() };
}

/** Of a text that the settings' schema let through. */
export function metricQueryOf(text: string): MetricQuery {
  const query = parseMetricQuery(text);
  if (query === undefined) throw new TypeError(`not a metric query: ${text}`);
  return query;
}

/** With {release} filled in as Datadog keeps the values of tags. */
export function fillRelease(query: MetricQuery, release: string): MetricQuery {
  return { ...query, scope: query.scope.replaceAll("{release}", () => tagValue(release)) };
}

/** Without the tags that name the release; undefined where the scope is an expression that cannot be cut. */
export function withoutRelease(query: MetricQuery): MetricQuery | undefined {
  if (!query.scope.includes("{release}")) return query;
  if (/\s(AND|OR|NOT|IN)\s|[()]/i.test(query.scope)) return undefined;
  const rest = query.scope.split(",").filter((tag) => !tag.includes("{release}"));
  return { ...query, scope: rest.length === 0 ? "*" : rest.join(",") };
}

/**
 * How many in each bucket. as_count and the sum over the bucket, so that rates come out as counts and nothing is
 * interpolated. https://docs.datadoghq.com/dashboards/functions/rollup/
 */
export function countText({ aggregator, metric, scope }: MetricQuery, bucketMs: number): string {
  return `${aggregator}:${metric}{${scope}}.as_count().rollup(sum, ${bucketMs / 1000})`;
}

/**
 * One value for each bucket: over its time the average of an average or a sum, the greatest of what is greatest. fill:
 * Datadog would else draw a line over gaps of up to five minutes. Percentiles are those of the whole bucket.
 */
export function valueText({ aggregator, metric, scope }: MetricQuery, bucketMs: number): string {
  const series = `${aggregator}:${metric}{${scope}}`;
  const seconds = bucketMs / 1000;
  if (aggregator.startsWith("p")) return `${series}.rollup(${seconds})`;
  const over = aggregator === "max" || aggregator === "min" ? aggregator : "avg";
  return `${series}.fill(null).rollup(${over}, ${seconds})`;
}

/** Lower case, and "_" in place of what a tag cannot have. https://docs.datadoghq.com/getting_started/tagging/ */
function tagValue(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}_\-:./]/gu, "_");
}
