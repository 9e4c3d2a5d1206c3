import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { durationSchema, publicUrlSchema, type IssueParams } from "../../model/runbook.ts";

const MAX_LIMIT_MS = 24 * 3_600_000;

const argvSchema = z.array(z.string()).min(1).max(200);

const limitSchema = durationSchema.refine(
  (text) => {
    const ms = parseDuration(text);
    return ms === undefined || (ms > 0 && ms <= MAX_LIMIT_MS); // what is no duration was refused before
  },
  { error: "must be more than nothing and at most 24h" },
);

/** Which release is live is the answer, so it cannot be part of the question. */
const statusSchema = argvSchema.refine((argv) => !argv.some((item) => item.includes("{release}")), {
  error: "must not contain {release}",
  params: { hint: "the command prints which release is live, whichever it is" } satisfies IssueParams,
});

/** The target "command": whatever the project's own commands deploy to. */
export const commandTargetSchema = z.strictObject({
  kind: z.literal("command"),
  deploy: argvSchema.describe(
    "Program and arguments that make a release live, and wait for it; no shell is involved. {release} stands for its name, which TMINUS_RELEASE holds too. TMINUS_KEY is the same when a deploy is repeated",
  ),
  status: statusSchema.describe(
    'Program and arguments that tell which release is live: the last line of stdout, or JSON {"release": "…"}. Exit code 0 it is known, 3 certainly nothing is deployed, anything else unknown. Must change nothing',
  ),
  rollback: argvSchema
    .optional()
    .describe(
      "Program and arguments that make the earlier release {release} live again; deploy when left out",
    ),
  retire: argvSchema
    .optional()
    .describe(
      "Program and arguments that remove what is left of {release}, a release that is needed no more",
    ),
  files: z
    .array(z.string().min(1))
    .max(20)
    .default([])
    .describe("Files and folders that make up {release}; a change in them makes a plan stale"),
  url: publicUrlSchema
    .optional()
    .describe("Address that answers with what is live; only smoke checks with through: staged need it"),
  timeout: limitSchema
    .default("10m")
    .describe("How long deploy, rollback or retire may run before it is stopped"),
  statusTimeout: limitSchema
    .default("30s")
    .describe("How long status may run, and how long after a deploy it may still name another release"),
});

export type CommandTargetConfig = z.output<typeof commandTargetSchema>;
