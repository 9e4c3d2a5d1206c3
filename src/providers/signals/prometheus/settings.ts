import * as z from "zod";
import { parseDuration } from "../../../lib/duration.ts";
import { durationSchema, type IssueParams } from "../../../model/runbook.ts";
import { checkNames, countsSchema, eventsSchema, namedQueries, type QueryOf } from "../queries.ts";
import {
  addressSchema,
  credentialFields,
  hasOneCredential,
  oneCredentialIssue,
  timeoutSchema,
} from "../web-settings.ts";

const valueSchema = z.strictObject({
  value: z.string().min(1).max(5000).describe("PromQL that gives one number, such as max(pg_connections)"),
  max: z
    .union([z.number(), z.string().min(1).max(5000)])
    .optional()
    .describe("Greatest possible value, a number or PromQL, for rules in % of max"),
});

const MIN_INTERVAL_MS = 100;
const MAX_LAG_MS = 3_600_000;

export const prometheusSchema = z
  .strictObject({
    url: addressSchema.describe("Address of the server, without /api/v1; or its reference"),
    ...credentialFields,
    timeout: timeoutSchema,
    lag: durationSchema
      .default("30s")
      .describe("How old samples must be before they can be relied on; more than interval"),
    interval: durationSchema
      .default("15s")
      .describe(
        "Time between two scrapes of these metrics, the longest one; a finer step cannot be asked for",
      ),
    queries: z
      .object(namedQueries)
      .catchall(z.union([countsSchema, eventsSchema, valueSchema]))
      .describe("What to ask for, by the name that rules give it; {release} stands for the release"),
  })
  .refine(hasOneCredential, oneCredentialIssue)
  .superRefine(({ lag, interval, queries }, context) => {
    const refuse = (path: string[], message: string, hint: string): void =>
      context.addIssue({ code: "custom", path, message, params: { hint } satisfies IssueParams });
    const intervalMs = parseDuration(interval) ?? MIN_INTERVAL_MS;
    const lagMs = parseDuration(lag) ?? 0;
    if (intervalMs < MIN_INTERVAL_MS) refuse(["interval"], "is shorter than 100ms", "write it like 15s");
    if (lagMs < intervalMs)
      refuse(["lag"], "is shorter than interval", "add the time that a scrape takes to interval");
    if (lagMs > MAX_LAG_MS) refuse(["lag"], "is longer than 1h", "write it like 30s");
    checkNames(queries, "queries", context);
  });

export type PrometheusSettings = z.output<typeof prometheusSchema>;
export type ValueQuery = z.output<typeof valueSchema>;
export type Query = QueryOf<ValueQuery>;
