import * as z from "zod";
import { migrationFilesInput } from "../model/release-inputs.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import type { Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import { driftJson, driftReason, sqlLines } from "../postgres/drift/drift-text.ts";
import { readOnly } from "../postgres/session/connect.ts";
import { defineStep } from "./define.ts";
import { messageOf } from "./migrate/place.ts";
import { driftOptions, driftSettings } from "../postgres/drift/settings.ts";

const schema = z.strictObject(driftSettings);

type With = z.output<typeof schema>;
type Facts = { files: number; digest: string };
type Context = StepContext<With, Facts>;

const EXPECTED_MS = 5_000;
const TIMEOUT_MS = 10 * 60_000;

/** Compares the schema after migrating, and remembers it for the next time. */
export const dbVerify = defineStep<typeof schema, Facts>({
  kind: "db.verify",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Checks that the live schema is what the migration files say and what it was last time, object by object, and records it.",
  requirements: ["C8", "B5"],
  schema,
  example: "directory: releases/{release}/migrations\nexpected: both\n",

  async gather(context) {
    const { discoverHistory } = await import("../postgres/migrations/read-history.ts");
    const options = await driftOptions(context, () => undefined);
    const { migrations, digest } = await discoverHistory(options.directory, options.format);
    return { files: migrations.length, digest };
  },

  plan: ({ with: { directory, expected }, facts, rollbackDatabase }) => ({
    summary: [
      expected === "recorded"
        ? "compare the live schema with what was recorded last"
        : `replay those of ${facts.files} files that have run in a scratch database and compare the live schema with it`,
      "record the schema's fingerprint",
    ],
    risk: "low",
    durationMs: EXPECTED_MS,
    timeoutMs: TIMEOUT_MS,
    undo:
      rollbackDatabase === "keep"
        ? { how: "none-needed", text: "the schema stays, and so does its fingerprint" }
        : { how: "undo", text: "the recorded fingerprint is removed" },
    inputs: [migrationFilesInput(directory, facts.digest)],
    blocked: [],
  }),

  async observe(context): Promise<Observation> {
    try {
      const { recorded, live } = await look(context);
      if (recorded?.fingerprint.digest === live.digest)
        return {
          state: "done",
          reason: "this step has recorded the schema as it is",
          result: { digest: live.digest },
        };
      return { state: "absent", reason: "this step has not recorded the schema as it is" };
    } catch (error) {
      context.signal.throwIfAborted();
      // A database that does not answer says nothing about what was recorded.
      return { state: "unknown", reason: messageOf(error) };
    }
  },

  act: (context) => failedWhenPooled(() => compareAndRecord(context)),

  async verify(context): Promise<Verdict> {
    try {
      const { recorded, live } = await look(context);
      if (recorded?.fingerprint.digest === live.digest)
        return { verdict: "pass", reason: "the schema is as it was recorded" };
      return { verdict: "fail", reason: "the schema changed after it was recorded" };
    } catch (error) {
      context.signal.throwIfAborted();
      // Not an answer about the schema.
      return { verdict: "unknown", reason: messageOf(error) };
    }
  },

  async undo(context): Promise<StepResult> {
    if (context.rollbackDatabase === "keep")
      return { outcome: "done", reason: "the schema stays, and so does its fingerprint", result: {} };
    return failedWhenPooled(async () => {
      await forget(context);
      return { outcome: "done", reason: "this step's fingerprint is not recorded", result: {} };
    });
  },
});

async function compareAndRecord(context: Context): Promise<StepResult> {
  const { checkDrift, openRecorder } = await import("../postgres/drift/check-drift.ts");
  const { recordFingerprint } = await import("../postgres/drift/recorded.ts");
  const options = await driftOptions(context, (text) => context.progress(text));
  // The own record of an earlier attempt is not what was there before this step.
  if (context.with.expected !== "files") await forget(context);
  let outcome;
  try {
    outcome = await checkDrift(options);
  } catch (error) {
    if (!hasCode(error, "MIGRATION_INVALID")) throw error;
    return { outcome: "failed", reason: error.message, result: { code: error.code } };
  }
  if (outcome.state === "unknown")
    return {
      outcome: "failed",
      reason: `it could not be found out: ${outcome.reason}`,
      result: { state: "unknown" },
    };
  const { drift, sql, live, notes, against } = outcome;
  for (const note of notes) context.progress(note);
  const report = { against, notes, drift: driftJson(drift), sql: sqlLines(sql) };
  const evidence = await context.evidence("drift.json", JSON.stringify(report, null, 2));
  if (drift.length > 0)
    return {
      outcome: "failed",
      reason: driftReason(drift),
      result: { state: "drift", objects: drift.length, evidence },
    };
  await using session = await openRecorder(options);
  await recordFingerprint(session, { fence: context.fence, runKey: context.key }, live);
  return {
    outcome: "done",
    reason: `${live.objects.length} objects are as expected (${against.join(" and ")})`,
    result: { digest: live.digest, objects: live.objects.length, evidence },
  };
}

/** Nothing is recorded through a transaction pooler, however often it is tried: a failure, and what to write instead. */
async function failedWhenPooled(work: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, "DATABASE_POOLED")) throw error;
    const { code, message, hint } = toErrorRecord(error);
    return { outcome: "failed", reason: `${message}. ${hint}`, result: { code, hint } };
  }
}

async function look(context: Context) {
  const { readLive } = await import("../postgres/drift/check-drift.ts");
  const { readRecorded } = await import("../postgres/drift/recorded.ts");
  const options = await driftOptions(context, () => undefined);
  const recorded = await readOnly(
    {
      connectionString: options.connectionString,
      purpose: "look",
      statementTimeoutMs: 15_000,
      signal: options.signal,
    },
    (session) => readRecorded(session, context.key),
  );
  return { recorded, live: await readLive(options) };
}

async function forget(context: Context): Promise<void> {
  const { openRecorder } = await import("../postgres/drift/check-drift.ts");
  const { forgetFingerprint } = await import("../postgres/drift/recorded.ts");
  await using session = await openRecorder(await driftOptions(context, () => undefined));
  await forgetFingerprint(session, { fence: context.fence, runKey: context.key });
}
