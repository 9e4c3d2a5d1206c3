import * as z from "zod";
import { parseDuration } from "../../../lib/duration.ts";
import {
  durationSchema,
  idSchema,
  publicUrlSchema,
  referenceSchema,
  type IssueParams,
} from "../../../model/runbook.ts";
import { timeoutSchema } from "../web-settings.ts";
import { parseMetricQuery } from "./metric-query.ts";

const MIN_RESOLUTION_MS = 1_000;
const MAX_RESOLUTION_MS = 3_600_000;
const MAX_LAG_MS = 3_600_000;

const countSchema = metricQuerySchema(["sum", "count"], "sum:trace.http.request.hits{service:shop}");
const gaugeSchema = metricQuerySchema(
  ["avg", "max", "min", "sum", "p50", "p75", "p90", "p95", "p99"],
  "max:postgresql.percent_usage_connections{env:prod}",
);

const countsSchema = z.strictObject({
  bad: countSchema.describe("Count metric of what went wrong, a part of total"),
  total: countSchema.describe("Count metric of everything that could go wrong"),
});
const eventsSchema = z.strictObject({ events: countSchema.describe("Count metric of the events") });
const valueSchema = z.strictObject({
  value: gaugeSchema.describe("Gauge or distribution metric, such as max:postgresql.connections{env:prod}"),
  max: z
    .union([z.number(), gaugeSchema])
    .optional()
    .describe("Greatest possible value, a number or a metric, for rules in % of max"),
  unit: z
    .enum(["s", "ms"])
    .optional()
    .describe("Unit of the metric when it is a time, so that rules can write 500ms"),
});

export const datadogSchema = z
  .strictObject({
    site: z
      .string()
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
      .default("datadoghq.com")
      .describe("Datadog site, such as datadoghq.eu or us5.datadoghq.com"),
    url: publicUrlSchema.optional().describe("Address of the API in place of the site's, without /api/v1"),
    apiKey: referenceSchema.describe("Reference of an API key"),
    applicationKey: referenceSchema.describe(
      "Reference of an application key that may read time series and metrics (timeseries_query, metrics_read)",
    ),
    timeout: timeoutSchema,
    lag: durationSchema
      .default("60s")
      .describe(
        "How old points must be before they can be relied on: Datadog takes a while to have them all",
      ),
    resolution: durationSchema
      .default("10s")
      .describe(
        "Time between two points of these metrics, the longest one; a finer step cannot be asked for",
      ),
    queries: z
      .object({
        error_rate: countsSchema.optional().describe("What rules about error_rate are measured by"),
      })
      .catchall(z.union([countsSchema, eventsSchema, valueSchema]))
      .describe("What to ask for, by the name that rules give it; {release} stands for the release"),
  })
  .superRefine(({ lag, resolution, queries }, context) => {
    const refuse = (path: string[], message: string, hint: string): void =>
      context.addIssue({ code: "custom", path, message, params: { hint } satisfies IssueParams });
    const resolutionMs = parseDuration(resolution) ?? MIN_RESOLUTION_MS;
    if (resolutionMs < MIN_RESOLUTION_MS || resolutionMs > MAX_RESOLUTION_MS || resolutionMs % 1000 !== 0)
      refuse(["resolution"], "is not whole seconds, from 1s to 1h", "write it like 10s");
    if ((parseDuration(lag) ?? 0) > MAX_LAG_MS) refuse(["lag"], "is longer than 1h", "write it like 60s");
    if (Object.keys(queries).length === 0)
      refuse(["queries"], "is empty", "write error_rate: {bad: …, total: …}");
    for (const name of Object.keys(queries))
      if (!idSchema.safeParse(name).success)
        refuse(["queries", name], "is not a name that a rule can use", "use letters, digits, - and _");
  });

export type DatadogSettings = z.output<typeof datadogSchema>;
export type Query = DatadogSettings["queries"][string];
export type ValueQuery = z.output<typeof valueSchema>;

/** Every metric query of a query. */
export function textsOf(query: Query): string[] {
  if ("events" in query) return [query.events];
  if ("bad" in query) return [query.bad, query.total];
  return [query.value, ...(typeof query.max === "string" ? [query.max] : [])];
}

function metricQuerySchema(aggregators: readonly string[], example: string) {
  return z
    .string()
    .max(5000)
    .superRefine((text, context) => {
      const parsed = parseMetricQuery(text);
      const hint = `write it like ${example}: one metric, without functions, by {…} or .rollup(…)`;
      const refuse = (message: string): void =>
        context.addIssue({ code: "custom", message, params: { hint } satisfies IssueParams });
      if (parsed === undefined) refuse("is not a metric query");
      else if (!aggregators.includes(parsed.aggregator))
        refuse(`cannot begin with ${parsed.aggregator}:, but with ${aggregators.join(":, ")}:`);
    });
}
