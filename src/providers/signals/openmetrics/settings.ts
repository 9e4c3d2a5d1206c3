import * as z from "zod";
import { checkNames, countsSchema, eventsSchema, namedQueries, type QueryOf } from "../queries.ts";
import { selectorSchema } from "../selector.ts";
import {
  addressSchema,
  credentialFields,
  hasOneCredential,
  oneCredentialIssue,
  timeoutSchema,
} from "../web-settings.ts";

const valueSchema = z.strictObject({
  value: selectorSchema.describe("The one series of a value that goes up and down"),
  max: z
    .union([z.number(), selectorSchema])
    .optional()
    .describe("Greatest possible value, a number or a series, for rules in % of max"),
});

export const openmetricsSchema = z
  .strictObject({
    url: addressSchema
      .optional()
      .describe("Address of the server, or its reference; the environment's url when left out"),
    path: z.string().startsWith("/").default("/metrics").describe("Path of the metrics on that address"),
    ...credentialFields,
    timeout: timeoutSchema,
    metrics: z
      .object(namedQueries)
      .catchall(z.union([countsSchema, eventsSchema, valueSchema]))
      .describe("What to read, by the name that rules give it; {release} stands for the release"),
  })
  .refine(hasOneCredential, oneCredentialIssue)
  .superRefine(({ metrics }, context) => checkNames(metrics, "metrics", context));

export type OpenMetricsSettings = z.output<typeof openmetricsSchema>;
export type ValueQuery = z.output<typeof valueSchema>;
export type Query = QueryOf<ValueQuery>;
