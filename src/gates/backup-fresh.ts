import { join, resolve } from "node:path";
import * as z from "zod";
import { hasCode } from "../errors.ts";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { durationSchema, referenceSchema } from "../model/runbook.ts";
import type { StoredBackup } from "../postgres/backup/files.ts";
import type { BasisLimits } from "../postgres/backup/manifest.ts";
import { addressOf } from "../postgres/session/connect.ts";
import { databaseOf } from "../postgres/session/database-of.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the backups, from the project folder; backups/<environment> in the state folder when left out",
    ),
  maxAge: durationSchema.default("24h").describe("How old the newest proven backup may be"),
  restoreLimit: durationSchema
    .optional()
    .describe(
      "The longest that restoring may have taken in the proof; a backup that took longer does not count",
    ),
  exclude: z
    .array(z.string().min(1))
    .default([])
    .describe("Tables whose rows the backup may leave out: public.logs"),
  uncovered: z
    .enum(["refuse", "accept"])
    .default("refuse")
    .describe("Whether a backup counts that says itself that it does not cover everything"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
});

type With = z.output<typeof schema>;

/** Passes when there is a young backup of the environment's database to go back to. */
export const backupFresh = defineGate({
  kind: "backup.fresh",
  summary: "Passes when the newest backup of the database that was restored and compared is young enough.",
  requirements: ["C1", "B6"],
  notes: [
    "Only backups that tminus made and proved count, of this environment and of this very database. The files of the newest are read and compared with their checksums; it is not restored again.",
  ],
  schema,
  example: "maxAge: 24h\nrestoreLimit: 10m\n",

  async check(context): Promise<GateVerdict> {
    const { listBackups } = await import("../postgres/backup/files.ts");
    const directory = backupFolder(context);
    const url = databaseOf(context);
    if (!URL.canParse(url))
      return unknown(
        "the connection string is no address, so backups cannot be told apart",
        "write it as an address",
      );
    let listed: Awaited<ReturnType<typeof listBackups>>;
    try {
      listed = await listBackups(directory);
    } catch (error) {
      return unknown(`${directory} cannot be read: ${String(error)}`, "look at its owner and permissions");
    }
    const damaged = listed.flatMap((found) => ("damage" in found ? [found.damage] : []));
    const own = listed
      .filter((found) => "manifest" in found)
      .filter(
        ({ manifest: { label, source } }) => label === context.environment.name && source === addressOf(url),
      )
      .toSorted((one, other) => takenMs(other) - takenMs(one));
    return judge(context, own, { directory, damaged });
  },
});

async function judge(
  context: GateContext<With>,
  own: readonly StoredBackup[],
  seen: { directory: string; damaged: string[] },
): Promise<GateVerdict> {
  const { checkFiles } = await import("../postgres/backup/files.ts");
  const { isRollbackBasis } = await import("../postgres/backup/manifest.ts");
  const limits = limitsOf(context.with);
  const passedOver: string[] = [];
  for (const backup of own) {
    const { id, snapshot, excluded } = backup.manifest;
    const { reasons } = isRollbackBasis(backup.manifest, limits);
    const left = excluded.filter((table) => !context.with.exclude.includes(table));
    if (left.length > 0) reasons.push(`it leaves out ${left.join(", ")}`);
    if (reasons.length > 0) {
      passedOver.push(`${id}: ${reasons.join("; ")}`);
      continue;
    }
    const ageMs = context.clock.now().getTime() - takenMs(backup);
    const evidence = { ...seen, id, at: snapshot.at, ageSeconds: Math.round(ageMs / 1000), passedOver };
    const old = `the newest proven backup is ${formatDuration(ageMs)} old`;
    if (ageMs > parseDuration(context.with.maxAge)!)
      return { verdict: "fail", reason: `${old}, ${context.with.maxAge} allowed`, evidence, fix: FIX };
    try {
      context.progress(`reading the files of ${id}`);
      await checkFiles(backup, context.signal);
    } catch (error) {
      if (!hasCode(error, "BACKUP_INVALID")) throw error;
      passedOver.push(`${id}: ${error.message}`);
      continue;
    }
    return { verdict: "pass", reason: old, evidence };
  }
  const why = passedOver.length === 0 ? "" : `: ${passedOver.join("; ")}`;
  return {
    verdict: "fail",
    reason: `no backup of ${context.environment.name} in ${seen.directory} can be relied on${why}`,
    evidence: { ...seen, passedOver },
    fix: FIX,
  };
}

const FIX = "make and prove one: tminus db backup";

function backupFolder({
  with: { directory },
  projectDirectory,
  stateDirectory,
  environment,
}: GateContext<With>): string {
  return directory === undefined
    ? join(stateDirectory, "backups", environment.name)
    : resolve(projectDirectory, directory);
}

function limitsOf({ restoreLimit, uncovered }: With): BasisLimits {
  return {
    acceptUncovered: uncovered === "accept",
    restoreLimitMs: restoreLimit === undefined ? undefined : parseDuration(restoreLimit),
  };
}

function takenMs({ manifest }: StoredBackup): number {
  return Date.parse(manifest.snapshot.at);
}
