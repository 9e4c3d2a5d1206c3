import { resolve } from "node:path";
import * as z from "zod";
import { hasCode } from "../errors.ts";
import { formatDuration } from "../lib/duration.ts";
import type { JsonObject } from "../model/json.ts";
import { durationSchema, referenceSchema } from "../model/runbook.ts";
import type { Observation, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import type { StoredBackup } from "../postgres/backup/files.ts";
import type { BackupManifest } from "../postgres/backup/manifest.ts";
import type { DatabaseSize } from "../postgres/backup/size.ts";
import { count, describeBackup } from "../postgres/backup/words.ts";
import { backupFolder, backupSource } from "./backup/place.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { connectionString, milliseconds } from "./migrate/place.ts";

const READ_TIMEOUT_MS = 60_000;
/** Dumping, restoring with all indexes, and comparing; slow disks take longer. */
const EXPECTED_BYTES_PER_MS = 60_000;
const LEAST_MS = 3_000;
const LEAST_TIMEOUT_MS = 15 * 60_000;

const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the backups, from the project folder; backups/<environment> in the state folder when left out",
    ),
  exclude: z.array(z.string().min(1)).default([]).describe("Tables whose rows are left out: public.logs"),
  jobs: z.int().min(1).max(16).default(2).describe("How many connections copy at once"),
  tool: z
    .enum(["copy", "pg_dump"])
    .default("copy")
    .describe("What writes it: our own reader of COPY, or pg_dump, for an archive that pg_restore reads"),
  programs: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of pg_dump and pg_restore, from the project folder; PATH and Debian's folders when left out",
    ),
  maxAge: durationSchema
    .optional()
    .describe("A proven backup that is younger than this serves; each run makes its own when left out"),
  restoreLimit: durationSchema
    .optional()
    .describe("The longest that restoring may take; a backup that took longer in its proof does not count"),
  keep: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "How many proven backups of this database stay, counting the new one; older ones are removed once it is proven. All stay when left out",
    ),
  uncovered: z
    .enum(["refuse", "accept"])
    .default("refuse")
    .describe(
      "What to do when the database has something that a backup does not cover, such as publications",
    ),
  statementTimeout: durationSchema.default("2h").describe("The longest that one statement may run"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
});

type With = z.output<typeof schema>;

/** A backup that was restored and compared before anything relies on it. */
export const dbBackup = defineStep<typeof schema, DatabaseSize>({
  kind: "db.backup",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Backs the environment's Postgres database up from one snapshot, restores the backup into a scratch database and compares every row: only then the run goes on.",
  requirements: ["C1", "C11"],
  schema,
  example: "exclude: [public.logs]\nmaxAge: 30m\nrestoreLimit: 10m\nkeep: 5\n",

  async gather(context) {
    const { readSize } = await import("../postgres/backup/size.ts");
    return readSize({
      connectionString: connectionString(context),
      purpose: "look",
      statementTimeoutMs: READ_TIMEOUT_MS,
      signal: context.signal,
    });
  },

  plan({ with: settings, facts }) {
    const durationMs = Math.max(LEAST_MS, facts.bytes / EXPECTED_BYTES_PER_MS);
    const uncovered = facts.uncovered.join(", ");
    return {
      summary: [
        `back up ${count(facts.tables, "table")} (${Math.ceil(facts.bytes / 1024 ** 2)} MB), restore into a scratch database, compare every row`,
        ...(settings.tool === "copy" ? [] : ["written by pg_dump, and read by pg_restore"]),
        ...(settings.exclude.length === 0 ? [] : [`without the rows of ${settings.exclude.join(", ")}`]),
        ...(settings.keep === undefined ? [] : [`then remove all but the newest ${settings.keep}`]),
        ...(uncovered === "" ? [] : [`not covered: ${uncovered}`]),
      ],
      risk: "low",
      durationMs,
      timeoutMs: Math.max(LEAST_TIMEOUT_MS, 20 * durationMs),
      undo: { how: "none-needed", text: "only reads the database; the backup stays" },
      inputs: [],
      blocked:
        uncovered === "" || settings.uncovered === "accept"
          ? []
          : [
              {
                reason: `a backup would not be a full basis; not covered: ${uncovered}`,
                fix: "Write uncovered: accept in the step when the database can do without them, or back up by other means.",
              },
            ],
    };
  },

  async observe(context): Promise<Observation> {
    const { findBasis } = await import("../postgres/backup/back-up.ts");
    const limits = limitsOf(context.with);
    const own = await findBasis(
      backupFolder(context, context.with.directory),
      limits,
      ({ key }) => key === context.key,
    );
    if (own !== undefined)
      return { state: "done", reason: "this run's backup is proven", result: resultOf(own, false) };
    const { maxAge, exclude, tool } = context.with;
    if (maxAge === undefined) return { state: "absent", reason: "this run has made no proven backup" };
    const since = context.clock.now().getTime() - milliseconds(maxAge);
    const source = backupSource(context);
    const young = await findBasis(
      backupFolder(context, context.with.directory),
      limits,
      (manifest) =>
        source !== undefined &&
        manifest.source === source &&
        manifest.label === context.environment.name &&
        (manifest.archive === undefined) === (tool === "copy") &&
        Date.parse(manifest.snapshot.at) >= since &&
        manifest.excluded.every((table) => exclude.includes(table)),
    );
    if (young === undefined) return { state: "absent", reason: `no proven backup is younger than ${maxAge}` };
    return {
      state: "done",
      reason: `the backup of ${young.manifest.snapshot.at} serves`,
      result: resultOf(young, true),
    };
  },

  async act(context): Promise<StepResult> {
    const { with: settings, environment, key, scratch, clock, signal } = context;
    const { backUp } = await import("../postgres/backup/back-up.ts");
    const { isRollbackBasis, manifestText } = await import("../postgres/backup/manifest.ts");
    const { removeOlder } = await import("../postgres/backup/retention.ts");
    try {
      const made = await backUp({
        connectionString: connectionString(context),
        directory: backupFolder(context, context.with.directory),
        key,
        label: environment.name,
        exclude: settings.exclude,
        tool: settings.tool,
        programs:
          settings.programs === undefined ? undefined : resolve(context.projectDirectory, settings.programs),
        jobs: settings.jobs,
        statementTimeoutMs: milliseconds(settings.statementTimeout),
        scratch,
        clock,
        signal,
        progress: (text) => context.progress(text),
      });
      await context.evidence("backup manifest", manifestText(made.manifest));
      const { basis, reasons } = isRollbackBasis(made.manifest, limitsOf(settings));
      if (!basis) return { outcome: "failed", reason: reasons.join("; "), result: resultOf(made, false) };
      const directory = backupFolder(context, settings.directory);
      const removed =
        settings.keep === undefined ? [] : await removeOlder(directory, made.manifest, settings.keep, signal);
      const reason = [reasonOf(made.manifest), ...removed].join("; ");
      return { outcome: "done", reason, result: resultOf(made, false) };
    } catch (error) {
      // The database's answer and a damaged backup are failures; the rest leaves open what is there.
      return failedOrThrow(error, "BACKUP_INVALID", "BACKUP_FAILED", "RESTORE_REFUSED");
    }
  },

  async verify(context, { folder }): Promise<Verdict> {
    const { checkFiles, readBackup } = await import("../postgres/backup/files.ts");
    const { isRollbackBasis } = await import("../postgres/backup/manifest.ts");
    try {
      const backup = await readBackup(z.string().parse(folder));
      await checkFiles(backup, context.signal);
      const { basis, reasons } = isRollbackBasis(backup.manifest, limitsOf(context.with));
      if (!basis) return { verdict: "fail", reason: reasons.join("; ") };
      return { verdict: "pass", reason: reasonOf(backup.manifest) };
    } catch (error) {
      if (!hasCode(error, "BACKUP_INVALID")) throw error;
      return { verdict: "fail", reason: error.message };
    }
  },
});

function reasonOf(manifest: BackupManifest): string {
  const { proof } = manifest;
  const restored =
    proof === undefined ? "" : `, restored in ${formatDuration(proof.restoreSeconds * 1000)} and compared`;
  return `${describeBackup(manifest)}${restored}`;
}

function resultOf({ folder, manifest }: StoredBackup, reused: boolean): JsonObject {
  const { id, hash, snapshot, proof } = manifest;
  return {
    folder,
    id,
    hash,
    at: snapshot.at,
    lsn: snapshot.lsn,
    reused,
    restoreSeconds: proof?.restoreSeconds ?? null,
  };
}

function limitsOf({ restoreLimit, uncovered }: With) {
  return {
    acceptUncovered: uncovered === "accept",
    restoreLimitMs: restoreLimit === undefined ? undefined : milliseconds(restoreLimit),
  };
}
