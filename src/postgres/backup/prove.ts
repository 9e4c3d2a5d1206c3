import { hasCode, TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ScratchDatabase, ScratchServer } from "../../model/ports.ts";
import { compareRestored } from "./compare.ts";
import { readBackup, replaceManifest, type StoredBackup } from "./files.ts";
import { sealProof } from "./manifest.ts";
import { restoreBackup } from "./restore.ts";

/** How many differences a message names. */
const MAX_NAMED = 5;

export interface ProveOptions {
  /** Of the manifest that was written, where the caller knows it: another one is refused. */
  manifestHash?: string;
  scratch: ScratchServer;
  jobs: number;
  statementTimeoutMs: number;
  /** As in RestoreOptions. */
  programs?: string | undefined;
  clock: Clock;
  signal?: AbortSignal;
  progress: (text: string) => void;
}

/**
 * Restores a backup into a scratch database and compares; when everything agrees, the proof is written into its
 * manifest. A backup that could not be restored stays without one. May be repeated.
 * Errors: BACKUP_INVALID (damaged, or not what it says), BACKUP_FAILED (the scratch server could not take it).
 */
export async function proveBackup(folder: string, options: ProveOptions): Promise<StoredBackup> {
  await using restored = await restoreAndCompare(folder, options, false);
  return restored.backup;
}

/** A proven backup and the scratch database that it was restored into; disposing removes the database. */
export interface ProvenRestore extends AsyncDisposable {
  backup: StoredBackup;
  database: ScratchDatabase;
}

/** The same as proveBackup, and keeps the restored database: to rehearse in, or to make copies of. */
export function restoreForProof(folder: string, options: ProveOptions): Promise<ProvenRestore> {
  return restoreAndCompare(folder, options, true);
}

async function restoreAndCompare(
  folder: string,
  options: ProveOptions,
  analyze: boolean,
): Promise<ProvenRestore> {
  const { clock, jobs, statementTimeoutMs, signal, progress } = options;
  const backup = await readBackup(folder);
  if (options.manifestHash !== undefined && options.manifestHash !== backup.manifest.hash) {
    throw unproven(folder, ["its manifest is not the one that was written"]);
  }
  progress("restoring the backup into a scratch database");
  const database = await options.scratch.createDatabase(analyze ? undefined : "proof");
  try {
    const { connectionString } = database;
    const limits = {
      connectionString,
      jobs,
      statementTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    const startedMs = clock.monotonicMs();
    await restoreBackup(backup, {
      ...limits,
      createRoles: true,
      analyze,
      clock,
      progress,
      programs: options.programs,
    });
    const restoredMs = clock.monotonicMs();
    progress("comparing what was restored");
    const { differences, ...compared } = await compareRestored(backup, { ...limits, purpose: "proof" });
    if (differences.length > 0) throw unproven(folder, differences);
    const manifest = sealProof(backup.manifest, {
      ...compared,
      at: clock.now().toISOString(),
      restoreSeconds: seconds(restoredMs - startedMs),
      compareSeconds: seconds(clock.monotonicMs() - restoredMs),
    });
    await replaceManifest(folder, manifest);
    return {
      backup: { folder, manifest },
      database,
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    if (backup.manifest.proof !== undefined && hasCode(error, "BACKUP_INVALID")) await withdrawProof(backup);
    throw error;
  }
}

/** What was proven once and is damaged now counts no longer. */
async function withdrawProof({ folder, manifest }: StoredBackup): Promise<void> {
  const { proof: _, ...unprovenManifest } = manifest;
  await replaceManifest(folder, unprovenManifest);
}

function unproven(folder: string, differences: readonly string[]): TminusError {
  const more = differences.length > MAX_NAMED ? `; and ${differences.length - MAX_NAMED} more` : "";
  return new TminusError(
    "BACKUP_INVALID",
    `${folder}: restored, it is not what it says: ${differences.slice(0, MAX_NAMED).join("; ")}${more}`,
    { details: { folder, differences: differences.slice(0, 100) } },
  );
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
