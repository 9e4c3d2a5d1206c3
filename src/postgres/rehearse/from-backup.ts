import { TminusError } from "../../errors.ts";
import type { ScratchDatabase } from "../../model/ports.ts";
import type { StoredBackup } from "../backup/files.ts";
import { restoreForProof, type ProveOptions } from "../backup/prove.ts";
import { readPending, type PendingFiles, type PendingOptions } from "./rehearse-pending.ts";

/**
 * Restores a backup to rehearse in: the real rows as they were then. Compared like a proof. The database must have
 * run the same files as the one that the rehearsal is for. Errors: MIGRATION_REFUSED when it has not, and those
 * of restoreForProof.
 */
export async function restoreToRehearse(
  { folder, manifest }: StoredBackup,
  files: PendingFiles,
  { directory, format, session, ...options }: PendingOptions & ProveOptions,
): Promise<ScratchDatabase> {
  const { database } = await restoreForProof(folder, { ...options, manifestHash: manifest.hash });
  try {
    const { connectionString } = database;
    const restored = await readPending({ directory, format, session: { ...session, connectionString } });
    const differs = differing(restored, files);
    if (differs.length === 0) return database;
    throw new TminusError(
      "MIGRATION_REFUSED",
      `since the backup of ${manifest.snapshot.at} other files have run: ${differs.join(", ")}`,
      { hint: "Make a new backup (tminus db backup, or a db.backup step before) and rehearse again." },
    );
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/** Files that have run in one of the two only. */
function differing(restored: PendingFiles, live: PendingFiles): string[] {
  const names = ({ history }: PendingFiles): string[] => history.map(({ file }) => file);
  const [then, now] = [names(restored), names(live)];
  return [...now.filter((file) => !then.includes(file)), ...then.filter((file) => !now.includes(file))];
}
