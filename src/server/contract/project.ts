import { z } from "@hono/zod-openapi";

export const auditSchema = z
  .object({
    verdict: z.enum(["sound", "broken", "unknown"]).openapi({
      description: "unknown: what was written down outside could not be compared",
    }),
    unknown: z.string().optional(),
    entries: z.int(),
    events: z.int(),
    runs: z.int(),
    problems: z.array(z.string()),
  })
  .openapi("Audit");
export type AuditResource = z.output<typeof auditSchema>;

const figure = z.object({
  value: z.number().nullable().openapi({ description: "null: not known" }),
  runs: z.array(z.string()).openapi({ description: "The runs that it is made of" }),
});

/** Named as in https://dora.dev/guides/dora-metrics-four-keys/. */
export const insightsSchema = z
  .object({
    from: z.iso.datetime(),
    until: z.iso.datetime(),
    deploysPerDay: figure,
    leadTimeMs: figure,
    changeFailurePercent: figure,
    recoveryMs: figure,
  })
  .openapi("Insights");
export type InsightsResource = z.output<typeof insightsSchema>;
