import { join, resolve } from "node:path";
import { hasCode, TminusError } from "../../errors.ts";
import type { DatabasePlace } from "../../model/database.ts";
import { backUp } from "../../postgres/backup/back-up.ts";
import { compareRestored } from "../../postgres/backup/compare.ts";
import { changesSince, type TableChange } from "../../postgres/backup/diff.ts";
import { checkFiles, listBackups, readBackup, type StoredBackup } from "../../postgres/backup/files.ts";
import { makeDatabase } from "../../postgres/backup/new-database.ts";
import { proveBackup } from "../../postgres/backup/prove.ts";
import {
  chooseForRemoval,
  newestProven,
  removeBackup,
  type RetentionChoice,
  type RetentionRule,
} from "../../postgres/backup/retention.ts";
import { restoreBackup } from "../../postgres/backup/restore.ts";

export { describeBackup } from "../../postgres/backup/words.ts";
export { isRollbackBasis } from "../../postgres/backup/manifest.ts";
export type { RetentionChoice, RetentionRule, StoredBackup, TableChange };
export { removeBackup };

const STATEMENT_TIMEOUT_MS = 6 * 60 * 60 * 1000;

/** What every verb about backups is told. */
export interface BackupChoice {
  /** The folder of the backups, from the project folder; backups/<environment> in the state folder when left out. */
  directory?: string;
  jobs: number;
  /** Folder of pg_dump and pg_restore, from the project folder; found where they usually are when left out. */
  programs?: string;
}

export interface Ways {
  signal: AbortSignal;
  progress: (text: string) => void;
}

/** Dumps the database and proves the dump. Errors: BACKUP_FAILED, BACKUP_INVALID, DATABASE_UNREACHABLE. */
export function makeBackup(
  place: DatabasePlace,
  choice: BackupChoice & { exclude: readonly string[]; tool?: "copy" | "pg_dump" | undefined },
  ways: Ways,
): Promise<StoredBackup> {
  return backUp({
    connectionString: place.connectionString.reveal(),
    directory: directoryOf(place, choice),
    key: null,
    label: labelOf(place),
    exclude: choice.exclude,
    tool: choice.tool,
    scratch: place.scratch,
    ...limitsOf(place, choice, ways),
  });
}

/** Proves a backup again, or one whose proof was interrupted. */
export async function proveAgain(
  place: DatabasePlace,
  choice: BackupChoice,
  name: string,
  ways: Ways,
): Promise<StoredBackup> {
  const { folder } = await pick(place, choice, name);
  return proveBackup(folder, { scratch: place.scratch, ...limitsOf(place, choice, ways) });
}

export function storedBackups(place: DatabasePlace, choice: BackupChoice): ReturnType<typeof listBackups> {
  return listBackups(directoryOf(place, choice));
}

/** The backup named, or the newest. Errors: BACKUP_INVALID, USAGE_INVALID when there is none. */
export async function pick(
  place: DatabasePlace,
  choice: BackupChoice,
  name: string | undefined,
): Promise<StoredBackup> {
  const directory = directoryOf(place, choice);
  if (name !== undefined) {
    return readBackup(name.includes("/") ? resolve(place.projectDirectory, name) : join(directory, name));
  }
  const newest = (await listBackups(directory)).find((found) => "manifest" in found);
  if (newest !== undefined) return newest;
  throw new TminusError("USAGE_INVALID", `there is no backup in ${directory}`, {
    hint: "Make one with tminus db backup.",
  });
}

/** The backup named, or the newest, if it has been proven. Errors: those of pick; BACKUP_INVALID without a proof. */
export async function pickProven(
  place: DatabasePlace,
  choice: BackupChoice,
  name: string | undefined,
): Promise<StoredBackup> {
  const found = await pick(place, choice, name);
  if (found.manifest.proof !== undefined) return found;
  throw new TminusError("BACKUP_INVALID", `${found.folder} was never restored and compared`, {
    hint: `Prove it: tminus db backup --prove ${found.folder}`,
  });
}

/**
 * Which backups would be removed: those named, or those that the rule says of the environment's own. One that has to
 * stay says why. Errors: BACKUP_INVALID for a name that is none.
 */
export async function selectForRemoval(
  place: DatabasePlace,
  choice: BackupChoice,
  { names, rule }: { names: readonly string[]; rule: RetentionRule },
  held: (manifest: StoredBackup["manifest"]) => string | undefined,
): Promise<RetentionChoice[]> {
  const label = labelOf(place);
  const own = (await listBackups(directoryOf(place, choice))).filter(
    (found): found is StoredBackup => "manifest" in found && found.manifest.label === label,
  );
  if (names.length === 0) return chooseForRemoval(own, rule, held);
  const named: RetentionChoice[] = [];
  for (const name of names) {
    const backup = await pick(place, choice, name);
    named.push({ backup, kept: newestProven(own, backup.manifest.id) ?? held(backup.manifest) });
  }
  return named;
}

/** What was written since the backup. Reads only. */
export function changes(
  place: DatabasePlace,
  { manifest }: StoredBackup,
  choice: BackupChoice,
  { signal }: Ways,
): Promise<TableChange[]> {
  return changesSince(manifest, {
    connectionString: place.connectionString.reveal(),
    purpose: "backup",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    jobs: choice.jobs,
    signal,
  });
}

/**
 * Restores into a database that is made for it on the same server, and compares. When it fails the database is
 * removed again. Errors: RESTORE_REFUSED, BACKUP_INVALID, BACKUP_FAILED, DATABASE_UNREACHABLE.
 */
export async function restoreInto(
  place: DatabasePlace,
  backup: StoredBackup,
  choice: BackupChoice & { into: string; createRoles: boolean },
  ways: Ways,
): Promise<void> {
  await checkFiles(backup, ways.signal);
  const { statementTimeoutMs, ...rest } = limitsOf(place, choice, ways);
  const live = place.connectionString.reveal();
  const target = await makeDatabase(
    { connectionString: live, purpose: "restore", statementTimeoutMs },
    choice.into,
  );
  const { connectionString } = target;
  try {
    await restoreBackup(backup, {
      connectionString,
      statementTimeoutMs,
      createRoles: choice.createRoles,
      analyze: true,
      ...rest,
    });
    ways.progress("comparing what was restored");
    const options = {
      connectionString,
      purpose: "proof",
      statementTimeoutMs,
      jobs: choice.jobs,
      signal: ways.signal,
    };
    const { differences } = await compareRestored(backup, options);
    if (differences.length > 0) {
      throw new TminusError(
        "BACKUP_INVALID",
        `restored, it is not what it says: ${differences.slice(0, 5).join("; ")}`,
      );
    }
  } catch (error) {
    await target.discard();
    throw hasCode(error, "RESTORE_REFUSED") ? refusal(error.message, choice.into, error.hint) : error;
  }
}

function refusal(message: string, into: string, hint: string): TminusError {
  return new TminusError("RESTORE_REFUSED", `${into}: ${message}`, { hint });
}

function directoryOf(place: DatabasePlace, { directory }: BackupChoice): string {
  if (directory !== undefined) return resolve(place.projectDirectory, directory);
  return join(place.stateDirectory, "backups", labelOf(place));
}

/** The environment, or the name of a database that was named without one, as it may stand in a path. */
function labelOf({ environment, connectionString }: DatabasePlace): string {
  if (environment !== undefined) return environment;
  const url = connectionString.reveal();
  const name = URL.canParse(url) ? decodeURIComponent(new URL(url).pathname.slice(1)) : "";
  return name.replaceAll(/[^\w-]/g, "_") || "database";
}

function limitsOf(place: DatabasePlace, { jobs, programs }: BackupChoice, { signal, progress }: Ways) {
  const { clock, projectDirectory } = place;
  const folder = programs === undefined ? undefined : resolve(projectDirectory, programs);
  return { programs: folder, jobs, statementTimeoutMs: STATEMENT_TIMEOUT_MS, clock, signal, progress };
}
