import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TminusError, hasCode } from "../../errors.ts";
import { REMOVED, listBackups, syncFolder, type StoredBackup } from "./files.ts";
import { isRollbackBasis, type BackupManifest } from "./manifest.ts";
import { count } from "./words.ts";

/** What may go. A backup goes when any of the two says so; nothing goes when neither is given. */
export interface RetentionRule {
  /** How many proven backups stay, counted from the newest. */
  keep?: number | undefined;
  /** Backups of before this moment go. */
  before?: Date | undefined;
}

/** One backup and what becomes of it. */
export interface RetentionChoice<Found extends { manifest: BackupManifest } = StoredBackup> {
  backup: Found;
  /** Why it stays although the rule says that it goes; undefined for one that goes. */
  kept: string | undefined;
}

/**
 * What the rule says that goes of the backups, newest first, and which of these stay after all: the newest
 * that counts, and each that `held` gives a reason for. Backups without a proof go by age alone: one of them may
 * just be being proven. Pure.
 */
export function chooseForRemoval<Found extends { manifest: BackupManifest }>(
  backups: readonly Found[],
  { keep, before }: RetentionRule,
  held: (manifest: BackupManifest) => string | undefined,
): RetentionChoice<Found>[] {
  let proven = 0;
  return newestFirst(backups).flatMap((backup) => {
    const { manifest } = backup;
    const isProven = isRollbackBasis(manifest, { acceptUncovered: true }).basis;
    if (isProven) proven++;
    const isTooMany = keep !== undefined && isProven && proven > keep;
    const isTooOld = before !== undefined && Date.parse(manifest.snapshot.at) < before.getTime();
    if (!isTooMany && !isTooOld) return [];
    return [{ backup, kept: isProven && proven === 1 ? NEWEST : held(manifest) }];
  });
}

/** Why a backup that was named may not be removed: the newest that counts. Undefined when it may. Pure. */
export function newestProven(
  backups: readonly { manifest: BackupManifest }[],
  id: string,
): string | undefined {
  const newest = newestFirst(backups).find(
    ({ manifest }) => isRollbackBasis(manifest, { acceptUncovered: true }).basis,
  );
  return newest?.manifest.id === id ? NEWEST : undefined;
}

/**
 * Removes what is older than the newest `keep` proven backups of the database that `made` is of, and says what it
 * did. An environment has one run at a time, and that has `made` to go back to. What cannot be removed fails
 * nothing: the new backup counts.
 */
export async function removeOlder(
  directory: string,
  made: BackupManifest,
  keep: number,
  signal: AbortSignal,
): Promise<string[]> {
  const own = (await listBackups(directory)).filter(
    (found): found is StoredBackup =>
      "manifest" in found && found.manifest.label === made.label && found.manifest.source === made.source,
  );
  const said: string[] = [];
  let removed = 0;
  try {
    for (const { backup, kept } of chooseForRemoval(own, { keep }, ({ id }) =>
      id === made.id ? "it was just made" : undefined,
    )) {
      if (kept !== undefined) continue;
      signal.throwIfAborted();
      await removeBackup(backup.folder);
      removed++;
    }
  } catch (error) {
    if (!hasCode(error, "BACKUP_FAILED")) throw error;
    said.push(error.message);
  }
  return removed === 0 ? said : [`removed ${count(removed, "older backup")}`, ...said];
}

/** By the moment that they hold: names tell seconds apart, and not more. */
function newestFirst<Found extends { manifest: BackupManifest }>(backups: readonly Found[]): Found[] {
  return backups.toSorted(
    (one, other) => Date.parse(other.manifest.snapshot.at) - Date.parse(one.manifest.snapshot.at),
  );
}

const NEWEST = "it is the newest that is proven";

/**
 * Removes a backup, and looks whether it is gone. From the first moment on nothing of it counts: its folder loses
 * its name before its files go; what a kill leaves of it goes with the next backup. Safe to repeat.
 * Errors: BACKUP_FAILED.
 */
export async function removeBackup(folder: string): Promise<void> {
  const directory = dirname(folder);
  const doomed = join(directory, `${REMOVED}${basename(folder)}`);
  try {
    await rename(folder, doomed).catch(ignoreMissing);
    await syncFolder(directory);
    await rm(doomed, { recursive: true, force: true });
    for (const path of [folder, doomed]) {
      if ((await stat(path).catch(ignoreMissing)) !== undefined) throw new Error(`${path} is still there`);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("BACKUP_FAILED", `${folder} could not be removed: ${reason}`, {
      cause: error,
      hint: "Look at the folder's owner and permissions, and run it again.",
    });
  }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
