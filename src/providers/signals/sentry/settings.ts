import * as z from "zod";
import { parseDuration } from "../../../lib/duration.ts";
import {
  durationSchema,
  publicUrlSchema,
  referenceSchema,
  type IssueParams,
} from "../../../model/runbook.ts";
import { timeoutSchema } from "../web-settings.ts";

const MAX_LAG_MS = 3_600_000;

/** What both kinds of sources of Sentry need to ask it. */
export const sentryFields = {
  url: publicUrlSchema
    .default("https://sentry.io")
    .describe("Address of Sentry, without /api/0: https://de.sentry.io, or a server of one's own"),
  organization: z
    .string()
    .regex(/^[\w-]+$/)
    .describe("Name (slug) of the organization"),
  token: referenceSchema.describe(
    "Reference of an auth token that may read the organization, its events and releases (org:read, event:read, project:releases)",
  ),
  projects: z
    .array(z.int().min(1))
    .max(50)
    .default([])
    .describe("Numbers of the projects; all that the token may see when left out"),
  environments: z
    .array(z.string().min(1).max(64))
    .max(20)
    .default([])
    .describe("Sentry's names of the environments; all when left out"),
  release: z
    .string()
    .max(200)
    .refine((text) => text.includes("{release}"), {
      error: "does not contain {release}",
      params: { hint: 'write it like "shop@{release}"' } satisfies IssueParams,
    })
    .default("{release}")
    .describe("How the release is called in Sentry; {release} stands for its name here"),
  timeout: timeoutSchema,
  lag: durationSchema
    .refine((text) => (parseDuration(text) ?? 0) <= MAX_LAG_MS, {
      error: "is longer than 1h",
      params: { hint: "write it like 2m" } satisfies IssueParams,
    })
    .default("2m")
    .describe("How old events must be before they can be relied on: Sentry takes a while to have them all"),
};

export const sentryErrorsSchema = z.strictObject({
  ...sentryFields,
  search: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe("More conditions that an event must meet, in Sentry's search syntax: !level:info"),
});

export const sentrySessionsSchema = z.strictObject(sentryFields);

export type SentrySettings = z.output<typeof sentrySessionsSchema>;
