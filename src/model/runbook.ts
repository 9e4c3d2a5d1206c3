import * as z from "zod";
import { parseOffset } from "../lib/duration.ts";
import { anchorSettingsSchema } from "./audit.ts";
import { emergencySettingsSchema } from "./emergency.ts";
import { freezesSchema, limitsSchema, windowsSchema } from "./calendar.ts";
import { DURATION, durationSchema, idSchema, type IssueParams } from "./field.ts";
import { riskSchema } from "./plan.ts";

export { durationSchema, idSchema, type IssueParams } from "./field.ts";

/** More are refused, so that ordering and checking stay quick. */
export const MAX_STAGES = 200;
export const MAX_ENVIRONMENTS = 50;

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const REFERENCE = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^#]+#[A-Za-z_][A-Za-z0-9_.-]*)$/;

/** An offset from T-0: "T-30m", "T+15m", "T-0". Read it with parseOffset. */
export const offsetSchema = z
  .string()
  .refine((text) => parseOffset(text) !== undefined, {
    error: "is not an offset from T-0",
    params: { hint: "write it like T-30m, T-0 or T+15m" } satisfies IssueParams,
  })
  .meta({ pattern: `^T[+-](0|${DURATION})$` });

/** Where a value that must not stand in the runbook is found: "env:NAME" or "file:path#NAME". */
export const referenceSchema = z
  .string()
  .refine((text) => REFERENCE.test(text), {
    error: "must be a reference, not a value",
    params: {
      hint: 'write "env:NAME" or "file:path#NAME" and keep the value itself out of the runbook',
      secret: true,
    } satisfies IssueParams,
  })
  .meta({ pattern: REFERENCE.source });

/** A public http(s) address without credentials. */
export const publicUrlSchema = z.string().refine(isPublicUrl, {
  error: "is not an http(s) address",
  params: {
    hint: "write it like https://shop.example.com, without user name and password",
    secret: true,
  } satisfies IssueParams,
});

const titleSchema = z.string().min(1).max(200);
/** Settings of a kind as they were written: placeholders unresolved, defaults not filled in. */
const withSchema = z.record(z.string(), z.json());

const environmentsSchema = z.array(idSchema).min(1).max(50).optional();

export const runbookStepSchema = z.strictObject({
  id: idSchema.describe("Name of the step, unique over the whole runbook"),
  kind: z.string().min(1).describe("What the step does: db.migrate, app.deploy, command …"),
  title: titleSchema.optional().describe("What people see; the id when left out"),
  at: offsetSchema.optional().describe("Earliest start relative to T-0: T-10m, T-0, T+15m"),
  timeout: durationSchema.optional().describe("Time limit; the kind's own when left out"),
  onFailure: z
    .enum(["rollback", "hold"])
    .default("rollback")
    .describe("What follows when the step fails: roll everything back, or hold and ask a person"),
  with: withSchema.default({}).describe("Settings of the kind"),
});

export const runbookGateSchema = z.strictObject({
  id: idSchema.describe("Name of the gate, unique among the gates"),
  kind: z.string().min(1).describe("What the gate decides: command, git.clean, url.healthy …"),
  title: titleSchema.optional().describe("What people see; the id when left out"),
  environments: environmentsSchema.describe("Environments for which it must pass; all when left out"),
  with: withSchema.default({}).describe("Settings of the kind"),
});

export const runbookStageSchema = z.strictObject({
  id: idSchema.describe("Name of the stage, unique among the stages"),
  title: titleSchema.optional().describe("What people see; the id when left out"),
  risk: riskSchema.default("low").describe("How much can go wrong"),
  duration: durationSchema.optional().describe("Estimate, for display"),
  success: z
    .array(z.string().min(1))
    .max(50)
    .default([])
    .describe("When the stage counts as good, in sentences"),
  needs: z
    .array(idSchema)
    .max(200)
    .optional()
    .describe("Stages that must be done before; the stage before it when left out"),
  environments: environmentsSchema.describe("Environments in which the stage runs; all when left out"),
  steps: z.array(runbookStepSchema).min(1).max(500).describe("Steps, in the order in which they run"),
});

export const runbookEnvironmentSchema = z.strictObject({
  branch: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Branch from which this environment is deployed; a git.branch gate holds the checked-out one against it",
    ),
  url: publicUrlSchema.describe("Public address of the service"),
  protected: z.boolean().default(false).describe("Whether changing it needs to be confirmed by name"),
  database: z
    .strictObject({ url: referenceSchema.describe("Reference of the connection string: env:DATABASE_URL") })
    .optional()
    .describe("Database that belongs to this environment"),
  target: z
    .looseObject({ kind: z.string().min(1).describe("Kind of the target: local, command …") })
    .describe("Where the application runs; the other fields are the target kind's own"),
  signals: z
    .record(
      idSchema,
      z.looseObject({
        kind: z.string().min(1).describe("Kind of the source: prometheus, datadog, postgres …"),
      }),
    )
    .default({})
    .describe("Sources of measured series by the name that rules give them; the target's own need no entry"),
  variables: z
    .record(
      z.string().refine((text) => VARIABLE_NAME.test(text), {
        error: "is not a variable name",
        params: { hint: "use letters, digits and _, not starting with a digit" } satisfies IssueParams,
      }),
      referenceSchema,
    )
    .default({})
    .describe("Environment variables of the application, by reference"),
  windows: windowsSchema.default([]).describe("When a deploy may begin; at any time when there is none"),
  limits: limitsSchema.prefault({}).describe("How many deploys may begin, and how soon after each other"),
  emergency: emergencySettingsSchema
    .optional()
    .describe("What is kept of the runbook in an emergency; none can be declared when left out"),
});

export const runbookRollbackSchema = z.strictObject({
  automatic: z.boolean().default(true).describe("Whether a failure rolls back without asking"),
  database: z
    .enum(["keep", "down"])
    .default("keep")
    .describe("keep: applied migrations stay. down: their down sections run, which can lose rows"),
  cure: z
    .strictObject({
      window: durationSchema.default("30s").describe("How long the service is observed after a rollback"),
      maxErrorPercent: z
        .number()
        .min(0.01)
        .max(50)
        .optional()
        .describe("The share of failed requests that is normal, in percent; 1 when left out"),
      minRequests: z
        .int()
        .min(0)
        .max(1_000_000)
        .optional()
        .describe(
          "So many requests are enough to say that few fail; 0: the probes are enough. When left out, as many as would show three times the normal share",
        ),
    })
    .prefault({})
    .describe("What proves that a rollback helped"),
});

export const runbookChannelSchema = z
  .looseObject({
    id: idSchema.describe("Name by which notify steps refer to the channel"),
    kind: z.string().min(1).describe("Kind of the channel: webhook, console"),
  })
  .describe("A place to tell people something; the other fields are the channel kind's own");

/** The content of tminus.yaml, version 1. */
export const runbookSchema = z.strictObject({
  version: z.literal(1).describe("Version of this format"),
  project: idSchema.describe("Name of the project"),
  environments: z
    .record(idSchema, runbookEnvironmentSchema)
    .refine((record) => Object.keys(record).length > 0, "must name at least one environment")
    .refine(
      (record) => Object.keys(record).length <= MAX_ENVIRONMENTS,
      `must not name more than ${MAX_ENVIRONMENTS}`,
    )
    .describe("Environments by name"),
  gates: z
    .array(runbookGateSchema)
    .max(200)
    .default([])
    .describe("What must be true before anything changes"),
  scm: z
    .looseObject({ kind: z.string().min(1).describe("Kind of the place: github") })
    .optional()
    .describe(
      "Where the code is reviewed and built, for the gates that ask there; the other fields are the kind's own",
    ),
  stages: z.array(runbookStageSchema).min(1).max(MAX_STAGES).describe("Groups of steps"),
  rollback: runbookRollbackSchema.prefault({}).describe("What happens when a run fails"),
  audit: z
    .strictObject({
      anchor: anchorSettingsSchema.describe(
        "Where the head of the project's log is written at each verdict and end of a run",
      ),
    })
    .optional()
    .describe("What proves that the history of runs was not changed"),
  freezes: freezesSchema.default([]).describe("Spans of time in which nothing is deployed"),
  notify: z.array(runbookChannelSchema).max(50).default([]).describe("Channels that notify steps use"),
});

export type Runbook = z.output<typeof runbookSchema>;
export type RunbookStage = z.output<typeof runbookStageSchema>;
export type RunbookStep = z.output<typeof runbookStepSchema>;

/**
 * The schemas of every kind that a runbook may name, by kind. Step and gate schemas get the `with` mapping.
 * The other schemas get their whole mapping; `kind` and `id` are left out of it when the schema is
 * an object that does not name them.
 */
export interface RunbookKinds {
  steps: Readonly<Record<string, z.ZodType>>;
  gates: Readonly<Record<string, z.ZodType>>;
  targets: Readonly<Record<string, z.ZodType>>;
  channels: Readonly<Record<string, z.ZodType>>;
  signals: Readonly<Record<string, z.ZodType>>;
  scms: Readonly<Record<string, z.ZodType>>;
}

function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === "";
}
