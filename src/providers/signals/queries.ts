import * as z from "zod";
import type { Metric } from "../../model/metric.ts";
import { idSchema, type IssueParams } from "../../model/runbook.ts";
import { selectorSchema } from "./selector.ts";

/** What sources of Prometheus' kind measure by counters: so many of so many. */
export const countsSchema = z.strictObject({
  bad: selectorSchema.describe("Counters of what went wrong, a part of total"),
  total: selectorSchema.describe("Counters of everything that could go wrong"),
});

export const eventsSchema = z.strictObject({ events: selectorSchema.describe("Counters of the events") });

export const latencySchema = z.strictObject({
  buckets: selectorSchema.describe("Buckets of a histogram (the series with le) of how long requests took"),
  unit: z.enum(["s", "ms"]).default("s").describe("Unit of the buckets' bounds"),
});

/** What the names error_rate and latency stand for. */
export const namedQueries = {
  error_rate: countsSchema.optional().describe("What rules about error_rate are measured by"),
  latency: latencySchema
    .optional()
    .describe("What rules about share(latency > …) and p95(latency) are measured by"),
};

export type CountsQuery = z.output<typeof countsSchema>;
export type EventsQuery = z.output<typeof eventsSchema>;
export type LatencyQuery = z.output<typeof latencySchema>;
/** Any form with a value: what gives one number, and its greatest. */
export interface ValueForm {
  value: string;
  max?: string | number | undefined;
}

export interface Queries<Value extends ValueForm> {
  error_rate?: CountsQuery | undefined;
  latency?: LatencyQuery | undefined;
  [name: string]: CountsQuery | EventsQuery | LatencyQuery | Value | undefined;
}

export type QueryOf<Value extends ValueForm> = CountsQuery | EventsQuery | LatencyQuery | Value;

/** The query that answers for a metric; a gauge must be a value and a count events. */
export function queryFor<Value extends ValueForm>(
  metric: Metric,
  queries: Queries<Value>,
): QueryOf<Value> | undefined {
  if (metric.kind === "error_rate") return queries.error_rate;
  if (metric.kind === "share" || metric.kind === "quantile") return queries.latency;
  if (metric.name === "latency" || !Object.hasOwn(queries, metric.name)) return undefined;
  const query = queries[metric.name];
  if (metric.kind === "gauge") return query !== undefined && "value" in query ? query : undefined;
  if (metric.kind === "count") return query !== undefined && "events" in query ? query : undefined;
  return query;
}

/** Every selector and expression of a query. */
export function expressionsOf(query: QueryOf<ValueForm>): string[] {
  if ("buckets" in query) return [query.buckets];
  if ("events" in query) return [query.events];
  if ("bad" in query) return [query.bad, query.total];
  return [query.value, ...(typeof query.max === "string" ? [query.max] : [])];
}

/** Of the metrics that a histogram answers for. */
export function slownessOf(metric: Metric): number {
  if (metric.kind !== "share") throw new TypeError("only a share has a bound");
  return metric.slowerThanMs;
}

/** Refinement: there is a query, and rules can say the names of all. `path` is where the queries are. */
export function checkNames(queries: object, path: string, context: z.RefinementCtx): void {
  const refuse = (where: string[], message: string, hint: string): void =>
    context.addIssue({ code: "custom", path: where, message, params: { hint } satisfies IssueParams });
  if (Object.keys(queries).length === 0) refuse([path], "is empty", "write error_rate: {bad: …, total: …}");
  for (const name of Object.keys(queries))
    if (!idSchema.safeParse(name).success)
      refuse([path, name], "is not a name that a rule can use", "use letters, digits, - and _");
}
