import { resolve } from "node:path";
import * as z from "zod";
import { hasCode, toErrorRecord } from "../errors.ts";
import { durationSchema, referenceSchema } from "../model/runbook.ts";
import type { JsonObject } from "../model/json.ts";
import type { Observation, PlanContext, StepContext, StepResult } from "../model/step-kind.ts";
import { HISTORY_FORMATS } from "../postgres/migrations/migration.ts";
import { judgeRehearsal, type Demands } from "../postgres/rehearse/judge.ts";
import { judgePending } from "../postgres/rehearse/judge-findings.ts";
import { readPending, rehearsePending, type PendingFiles } from "../postgres/rehearse/rehearse-pending.ts";
import { findingLines, rehearsalLines } from "../postgres/rehearse/report.ts";
import type { SessionOptions } from "../postgres/session/connect.ts";
import { defineStep } from "./define.ts";
import { connectionString, count, milliseconds } from "./migrate/place.ts";

const READ_TIMEOUT_MS = 15_000;
/** Making the schema of a long history, the rows, and going through each file three times. */
const TIMEOUT_MS = 60 * 60_000;
const EXPECTED_MS_PER_FILE = 1_000;
const START_MS = 5_000;

const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .describe(
      "Folder of the migrations, from the project folder; may hold {release}. The same as in db.migrate",
    ),
  format: z
    .enum(["auto", ...HISTORY_FORMATS])
    .default("auto")
    .describe("Whose files they are, as in db.migrate"),
  tier: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe(
      "0: in this process, structure only; 1: on a scratch server with made-up rows, as many as production has up to 20,000 a table",
    ),
  canaries: z
    .array(z.string().regex(/^\s*(select|with)\b/i, "a query that begins with SELECT or WITH"))
    .max(100)
    .default([])
    .describe(
      "Queries of the application that are prepared before each file and run again after it; $1 and so on are NULL",
    ),
  prelude: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File of SQL, from the project folder, for what production has without the migrations (a platform's schemas and functions)",
    ),
  requireReversible: z
    .boolean()
    .default(false)
    .describe("Fail when a down section is missing, does not give back the schema, or loses rows"),
  maxLock: durationSchema
    .default("5s")
    .describe("Fail when a lock for which others wait is likely held longer in production"),
  maxDuration: durationSchema
    .default("5m")
    .describe("Fail when all files together likely take longer in production"),
  acceptUnknown: z
    .boolean()
    .default(false)
    .describe(
      "Go on when a file could not be rehearsed or its time not be forecast; it then counts as a note",
    ),
  database: referenceSchema
    .optional()
    .describe(
      "Reference of the connection string; the environment's database when left out. It is only read",
    ),
});

type With = z.output<typeof schema>;
type Facts = {
  pending: string[];
  filesDigest: string;
  ledgerDigest: string;
  problems: { reason: string; fix: string }[];
};
type Context = StepContext<With, Facts>;

/** Tries the pending migrations out before they run anywhere that matters. */
export const dbRehearse = defineStep<typeof schema, Facts>({
  kind: "db.rehearse",
  version: 1,
  inRollback: false,
  summary:
    "Rehearses the pending migrations in a scratch database, up, down and up again, and forecasts locks and time for production.",
  requirements: ["C5", "C7"],
  schema,
  example:
    "directory: releases/{release}/migrations\nmaxLock: 2s\ncanaries:\n  - select id, email from users where id = $1\n",

  async gather(context) {
    const { pending, filesDigest, digest, problems } = await look(context);
    return {
      pending: pending.map(({ file }) => file),
      filesDigest,
      ledgerDigest: digest,
      problems: problems.map(({ reason, fix }) => ({ reason, fix })),
    };
  },

  plan: ({ with: settings, facts }) => ({
    summary:
      facts.pending.length === 0
        ? ["no migration is pending: nothing to rehearse"]
        : [
            `rehearse ${count(facts.pending.length)} ${settings.tier === 0 ? "in this process, structure only" : "on a scratch server with made-up rows"}: up, down, up again`,
            `fail when a lock is likely held for more than ${settings.maxLock}, or all take more than ${settings.maxDuration}${settings.requireReversible ? ", or undoing would not give everything back" : ""}`,
          ],
    risk: "low",
    durationMs: facts.pending.length === 0 ? 0 : START_MS + facts.pending.length * EXPECTED_MS_PER_FILE,
    timeoutMs: TIMEOUT_MS,
    undo: { how: "none-needed", text: "only databases of its own are changed, and they are removed" },
    inputs: [
      { name: `migration files in ${settings.directory}`, digest: facts.filesDigest },
      { name: "migration ledger", digest: facts.ledgerDigest },
    ],
    blocked: facts.problems,
  }),

  async observe(context): Promise<Observation> {
    const saved = await context.loadState();
    if (saved === undefined) return { state: "absent", reason: "it does no harm to rehearse again" };
    return { state: "done", reason: "the rehearsal was kept", result: saved as JsonObject };
  },

  async act(context): Promise<StepResult> {
    try {
      const files = await look(context);
      if (files.filesDigest !== context.facts.filesDigest) {
        const reason = `the files in ${context.with.directory} changed after the plan was made`;
        return { outcome: "failed", reason, result: {} };
      }
      return await rehearseFiles(context, files);
    } catch (error) {
      if (!hasCode(error, "MIGRATION_REFUSED", "MIGRATION_INVALID")) throw error;
      const { code, message, hint } = toErrorRecord(error);
      return { outcome: "failed", reason: message, result: { code, hint } };
    }
  },
});

async function rehearseFiles(context: Context, files: PendingFiles): Promise<StepResult> {
  const { with: settings, scratch, clock, signal } = context;
  if (files.pending.length + files.problems.length === 0) {
    const nothing = { files: [], refusals: [], warnings: [], limits: [] };
    await context.saveState(nothing);
    return { outcome: "done", reason: "no migration is pending", result: nothing };
  }
  const rehearsal = await rehearsePending(files, sessionOf(context), {
    place: settings.tier === 0 ? { tier: 0 } : { tier: 1, scratch },
    canaries: settings.canaries,
    prelude: settings.prelude === undefined ? undefined : resolve(context.projectDirectory, settings.prelude),
    clock,
    signal,
    progress: (text) => context.progress(text),
  });
  const judgement = judgeRehearsal(rehearsal, demandsOf(settings));
  const judged = await judgePending(folderOf(context), sessionOf(context), rehearsal);
  const lines = [...rehearsalLines(rehearsal, judgement), ...findingLines(judged)];
  const evidence = await context.evidence("rehearsal.json", JSON.stringify(rehearsal, undefined, 2));
  await context.evidence("rehearsal.txt", `${lines.join("\n")}\n`);
  const result = {
    files: rehearsal.files.map(({ file, sentence }) => ({ file, sentence })),
    refusals: judgement.refusals,
    warnings: judgement.warnings,
    limits: rehearsal.limits,
    evidence,
  };
  if (judgement.refusals.length > 0)
    return { outcome: "failed", reason: judgement.refusals.join("; "), result };
  await context.saveState(result);
  return { outcome: "done", reason: reasonOf(result.files), result };
}

/** What a person reads in the tree of the run: the sentence itself where there is one file. */
function reasonOf(files: readonly { file: string; sentence: string }[]): string {
  const [only] = files;
  if (only === undefined) return "no migration is pending";
  return files.length === 1
    ? `${only.file}: ${only.sentence}`
    : `${count(files.length)} rehearsed: ${files.map(({ file, sentence }) => `${file}: ${sentence}`).join("; ")}`;
}

function demandsOf(settings: With): Demands {
  return {
    maxLockMs: milliseconds(settings.maxLock),
    maxDurationMs: milliseconds(settings.maxDuration),
    requireReversible: settings.requireReversible,
    acceptUnknown: settings.acceptUnknown,
  };
}

type Place = Pick<PlanContext<With>, "with" | "environment" | "projectDirectory" | "secret" | "signal">;

async function look(context: Place): Promise<PendingFiles> {
  return readPending({ ...folderOf(context), session: sessionOf(context) });
}

function folderOf({ with: { directory, format }, projectDirectory }: Place) {
  return { directory: resolve(projectDirectory, directory), format };
}

function sessionOf(context: Place): SessionOptions {
  const { signal } = context;
  return {
    connectionString: connectionString(context),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
}
