import { resolve } from "node:path";
import { migrationFilesInput } from "../model/release-inputs.ts";
import type { JsonObject } from "../model/json.ts";
import type { Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Demands } from "../postgres/rehearse/judge.ts";
import type { PendingFiles } from "../postgres/rehearse/rehearse-pending.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { count, milliseconds } from "./migrate/place.ts";
import { folderOf, look, placeOf, sessionOf } from "./rehearse/place.ts";
import { rehearseSchema, type RehearseSettings } from "./rehearse/settings.ts";

/** Making the schema of a long history, the rows, and going through each file three times. */
const TIMEOUT_MS = 60 * 60_000;
const EXPECTED_MS_PER_FILE = 1_000;
const START_MS = 5_000;

const PLACES = {
  0: "in this process, structure only",
  1: "on a scratch server with made-up rows",
  2: "on a scratch server, in a restore of the newest proven backup",
} as const;

type Facts = {
  pending: string[];
  filesDigest: string;
  ledgerDigest: string;
  problems: { reason: string; fix: string }[];
};
type Context = StepContext<RehearseSettings, Facts>;

/** Tries the pending migrations out before they run anywhere that matters. */
export const dbRehearse = defineStep<typeof rehearseSchema, Facts>({
  kind: "db.rehearse",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Rehearses the pending migrations in a scratch database, up, down and up again, and forecasts locks and time for production.",
  requirements: ["C5", "C7"],
  schema: rehearseSchema,
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
            `rehearse ${count(facts.pending.length)} ${PLACES[settings.tier]}: up, down, up again`,
            `fail when a lock is likely held for more than ${settings.maxLock}, or all take more than ${settings.maxDuration}${settings.requireReversible ? ", or undoing would not give everything back" : ""}`,
          ],
    risk: "low",
    durationMs: facts.pending.length === 0 ? 0 : START_MS + facts.pending.length * EXPECTED_MS_PER_FILE,
    timeoutMs: TIMEOUT_MS,
    undo: { how: "none-needed", text: "only databases of its own are changed, and they are removed" },
    inputs: [
      migrationFilesInput(settings.directory, facts.filesDigest),
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
      return failedOrThrow(
        error,
        "MIGRATION_REFUSED",
        "MIGRATION_INVALID",
        "BACKUP_INVALID",
        "BACKUP_FAILED",
      );
    }
  },
});

async function rehearseFiles(context: Context, files: PendingFiles): Promise<StepResult> {
  const { with: settings, clock, signal } = context;
  if (files.pending.length + files.problems.length === 0) {
    const nothing = { files: [], refusals: [], warnings: [], limits: [] };
    await context.saveState(nothing);
    return { outcome: "done", reason: "no migration is pending", result: nothing };
  }
  const { rehearsePending } = await import("../postgres/rehearse/rehearse-pending.ts");
  const { judgeRehearsal } = await import("../postgres/rehearse/judge.ts");
  const { judgePending } = await import("../postgres/rehearse/judge-findings.ts");
  const { findingLines, rehearsalLines } = await import("../postgres/rehearse/report.ts");
  const rehearsal = await rehearsePending(files, sessionOf(context), {
    place: placeOf(context, files),
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

function demandsOf(settings: RehearseSettings): Demands {
  return {
    maxLockMs: milliseconds(settings.maxLock),
    maxDurationMs: milliseconds(settings.maxDuration),
    requireReversible: settings.requireReversible,
    acceptUnknown: settings.acceptUnknown,
  };
}
