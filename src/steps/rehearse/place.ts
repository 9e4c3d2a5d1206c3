import { resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { PlanContext, StepContext } from "../../model/step-kind.ts";
import type { StoredBackup } from "../../postgres/backup/files.ts";
import type { PendingFiles } from "../../postgres/rehearse/rehearse-pending.ts";
import type { RehearsalPlace } from "../../postgres/rehearse/rehearse.ts";
import type { SessionOptions } from "../../postgres/session/connect.ts";
import { backupFolder, backupSource } from "../backup/place.ts";
import { connectionString } from "../migrate/place.ts";
import type { RehearseSettings } from "./settings.ts";

const READ_TIMEOUT_MS = 15_000;
/** Of one statement of a restore. */
const RESTORE_TIMEOUT_MS = 60 * 60_000;
const RESTORE_JOBS = 2;

type Context = StepContext<RehearseSettings>;
type Place = Pick<
  PlanContext<RehearseSettings>,
  "with" | "environment" | "projectDirectory" | "secret" | "signal"
>;

/** Which files have run and which have not. Reads only. */
export async function look(context: Place): Promise<PendingFiles> {
  const { readPending } = await import("../../postgres/rehearse/rehearse-pending.ts");
  return readPending({ ...folderOf(context), session: sessionOf(context) });
}

export function folderOf({ with: { directory, format }, projectDirectory }: Place) {
  return { directory: resolve(projectDirectory, directory), format };
}

/** For looking at the database that the rehearsal is for. */
export function sessionOf(context: Place): SessionOptions {
  const { signal } = context;
  return {
    connectionString: connectionString(context),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
}

/** Where the step rehearses; for tier 2 the restore is made when the rehearsal begins. */
export function placeOf(context: Context, files: PendingFiles): RehearsalPlace {
  const { with: settings, scratch, clock, signal } = context;
  const { tier } = settings;
  if (tier === 0) return { tier };
  if (tier === 1) return { tier, scratch };
  return {
    tier,
    createClone: async () => {
      const { restoreToRehearse } = await import("../../postgres/rehearse/from-backup.ts");
      return restoreToRehearse(await findBackup(context), files, {
        ...folderOf(context),
        session: sessionOf(context),
        scratch,
        jobs: RESTORE_JOBS,
        statementTimeoutMs: RESTORE_TIMEOUT_MS,
        clock,
        signal,
        progress: (text) => context.progress(text),
      });
    },
  };
}

/** The newest proven backup of this environment's database. Errors: BACKUP_INVALID when there is none. */
async function findBackup(context: Context): Promise<StoredBackup> {
  const { findBasis } = await import("../../postgres/backup/back-up.ts");
  const folder = backupFolder(context, context.with.backups);
  const source = backupSource(context);
  const found = await findBasis(
    folder,
    { acceptUncovered: true, restoreLimitMs: undefined },
    (manifest) =>
      source !== undefined && manifest.source === source && manifest.label === context.environment.name,
  );
  if (found !== undefined) return found;
  throw new TminusError("BACKUP_INVALID", `there is no proven backup of this database in ${folder}`, {
    hint: "Put a db.backup step before this one, or rehearse with tier: 1.",
  });
}
