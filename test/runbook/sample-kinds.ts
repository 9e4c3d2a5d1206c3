import * as z from "zod";
import { durationSchema, referenceSchema, type RunbookKinds } from "../../src/model/runbook.ts";
import { signOffSchema } from "../../src/steps/sign-off/schema.ts";
import { watchSchema } from "../../src/steps/watch/schema.ts";

const argvSchema = z.array(z.string()).min(1).describe("Command and its arguments");

/** Small kinds of the same make as the real ones: strict, with unions, numbers, defaults and transforms. */
export const kinds: RunbookKinds = {
  steps: {
    command: z.strictObject({
      run: argvSchema,
      env: z.record(z.string(), referenceSchema).default({}).describe("Variables by reference"),
      expectExit: z.array(z.int()).default([0]).describe("Exit codes that count as success"),
    }),
    "db.migrate": z.strictObject({
      directory: z.string().default("migrations").describe("Folder of the files"),
      lockTimeout: durationSchema.optional().describe("Per statement"),
    }),
    "app.deploy": z.strictObject({}),
    "sign-off": signOffSchema,
    "app.shift": z.strictObject({ percent: z.number().min(1).max(100).describe("Share of the traffic") }),
    smoke: z.strictObject({
      checks: z.array(
        z.strictObject({
          id: z.string().describe("Name"),
          method: z.enum(["GET", "POST"]).default("GET").describe("HTTP method"),
          path: z.string().startsWith("/").describe("Path"),
          status: z
            .union([z.int(), z.array(z.int())])
            .default(200)
            .describe("Expected status"),
          equals: z.json().optional().describe("Expected value"),
        }),
      ),
    }),
    watch: z.strictObject({
      duration: durationSchema.transform((text) => text.length).describe("How long"),
      rules: z
        .array(
          z.strictObject({
            id: z.string().describe("Name"),
            signal: z.enum(["errorRatePercent", "p95Ms"]).describe("What is measured"),
            above: z.number().describe("Limit"),
            minRequests: z.int().default(50).describe("Below this many nothing is decided"),
          }),
        )
        .min(1),
    }),
    /** The real one: rules have a grammar of their own. */
    rules: watchSchema,
    notify: z.strictObject({
      channels: z.array(z.string()).describe("Channel ids"),
      title: z.string().describe("Title"),
      text: z.string().default("").describe("Text"),
    }),
    note: z.strictObject({
      release: z.string().describe("A version or a hash"),
      tags: z.array(z.string()).default([]),
    }),
  },
  gates: {
    command: z.strictObject({ run: argvSchema }),
    "staging.verified": z.strictObject({ environment: z.string().optional() }),
    "git.clean": z.strictObject({ branch: z.string().optional().describe("Branch to be on") }),
  },
  targets: {
    local: z.strictObject({
      kind: z.literal("local"),
      port: z.int().min(1).max(65_535).describe("Public port"),
      directory: z.string().describe("Folder of a release"),
      command: argvSchema,
    }),
    none: z.strictObject({}),
  },
  signals: {
    prometheus: z.strictObject({ url: z.string().describe("Address") }),
  },
  scms: {
    github: z.strictObject({ repository: z.string().describe("Owner and name"), token: referenceSchema }),
  },
  channels: {
    webhook: z.strictObject({ url: referenceSchema.describe("Where to post") }),
    console: z.strictObject({}),
  },
};
