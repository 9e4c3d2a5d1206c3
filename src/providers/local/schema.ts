import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";

/** A duration as people write it, with an upper limit. */
function duration(maxMs: number): z.ZodType<string> {
  return z.string().refine(
    (text) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms <= maxMs;
    },
    `must be a duration such as 30s or 2m, at most ${maxMs / 60_000} minutes`,
  );
}

/** The target "local": processes on this machine behind tminus's own edge. */
export const localTargetSchema = z.strictObject({
  kind: z.literal("local"),
  port: z.int().min(1).max(65_535).describe("Port at which the public reaches the application."),
  host: z.string().min(1).default("127.0.0.1").describe("Address that the edge listens on."),
  directory: z
    .string()
    .refine((path) => path.includes("{release}"), "must contain {release}")
    .describe("Folder of a release, relative to the runbook; {release} stands for its name."),
  shared: z
    .array(z.string())
    .max(20)
    .default([])
    .describe("Further folders or files that releases use; a change in them makes a plan stale."),
  command: z
    .array(z.string())
    .min(1)
    .describe("Program and arguments that start one instance in its folder. It must listen on PORT."),
  healthPath: z
    .string()
    .startsWith("/")
    .default("/health")
    .describe("Path that answers 200 when the instance can serve."),
  healthDeadline: duration(600_000)
    .default("30s")
    .describe("How long an instance may take to become healthy."),
  drainDeadline: duration(600_000)
    .default("10s")
    .describe("How long requests under way may take before a stop."),
  stopGrace: duration(600_000)
    .default("10s")
    .describe("How long a process may take to end after SIGTERM, before SIGKILL."),
  keepWarm: z
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe("How many earlier releases stay running, so that a rollback only moves traffic."),
  trustForwarded: z
    .boolean()
    .default(false)
    .describe("Whether X-Forwarded-* of requests is kept; only right behind another proxy that sets it."),
  metricsPort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe("Port on 127.0.0.1 where Prometheus can read the edge's metrics."),
});

export type LocalTargetConfig = z.output<typeof localTargetSchema>;
