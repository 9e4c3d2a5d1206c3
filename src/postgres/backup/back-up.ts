import { rm } from "node:fs/promises";
import type { ScratchServer } from "../../model/ports.ts";
import { dumpDatabase, type DumpOptions } from "./dump.ts";
import { listBackups, type StoredBackup } from "./files.ts";
import { isRollbackBasis, type BackupManifest, type BasisLimits } from "./manifest.ts";
import { proveBackup } from "./prove.ts";

/**
 * Dumps a database and proves the dump. What an earlier, interrupted attempt under the same key left without a
 * proof is removed first. Errors: those of dumpDatabase and proveBackup; after the latter the backup stays, unproven.
 */
export async function backUp(options: DumpOptions & { scratch: ScratchServer }): Promise<StoredBackup> {
  const { directory, key, scratch, jobs, statementTimeoutMs, clock, signal, progress } = options;
  if (key !== null) {
    for (const found of await listBackups(directory)) {
      if ("manifest" in found && found.manifest.key === key && found.manifest.proof === undefined) {
        await rm(found.folder, { recursive: true, force: true });
      }
    }
  }
  progress("writing the backup");
  const { folder, manifest } = await dumpDatabase(options);
  const limits = {
    jobs,
    programs: options.programs,
    statementTimeoutMs,
    clock,
    progress,
    ...(signal === undefined ? {} : { signal }),
  };
  return proveBackup(folder, { ...limits, scratch, manifestHash: manifest.hash });
}

/** The newest backup of a folder that may be relied on and that `fits`; undefined when there is none. */
export async function findBasis(
  directory: string,
  limits: BasisLimits,
  fits: (manifest: BackupManifest) => boolean,
): Promise<StoredBackup | undefined> {
  for (const found of await listBackups(directory)) {
    if ("manifest" in found && fits(found.manifest) && isRollbackBasis(found.manifest, limits).basis)
      return found;
  }
  return undefined;
}
