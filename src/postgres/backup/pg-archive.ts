import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import { run } from "../../lib/process.ts";
import { readOnly } from "../session/connect.ts";
import { syncFolder, type StoredBackup } from "./files.ts";
import { libpqEnvironment } from "./libpq-environment.ts";
import type { BackupFile, BackupManifest } from "./manifest.ts";
import { findPgPrograms, type PgPrograms } from "./pg-programs.ts";
import { settleSession } from "./rows.ts";
import { readSequenceStates } from "./sequences.ts";

/** The folder of a backup that pg_dump fills: an archive in its directory format. */
const FOLDER = "data";

interface ProgramOptions {
  connectionString: string;
  jobs: number;
  /** The longest that the program may run. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Has pg_dump write an archive of an exported snapshot, whose transaction must stay open meanwhile, into the folder
 * of a backup; on disk when this returns. Errors: BACKUP_FAILED.
 */
export async function writeArchive(
  partial: string,
  {
    snapshot,
    exclude,
    lockTimeoutMs,
    programs,
    ...options
  }: ProgramOptions & {
    snapshot: string;
    /** As the database prints their names. */
    exclude: readonly string[];
    lockTimeoutMs: number;
    programs: PgPrograms;
  },
): Promise<NonNullable<BackupManifest["archive"]>> {
  const argv = [
    programs.dump,
    "--format=directory",
    `--file=${join(partial, FOLDER)}`,
    `--jobs=${options.jobs}`,
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${Math.floor(lockTimeoutMs)}`,
    "--no-password",
    ...exclude.map((table) => `--exclude-table-data=${table}`),
  ];
  await runProgram(argv, options);
  const files: BackupFile[] = [];
  for (const name of (await readdir(join(partial, FOLDER))).toSorted())
    files.push(await syncedFile(partial, `${FOLDER}/${name}`));
  return { version: programs.version, major: programs.major, files };
}

/**
 * Has pg_restore fill an empty database from an archive whose files were checked. Then the sequences are looked at,
 * as the archive leaves them: one that is behind its rows is damage. Errors: BACKUP_FAILED, BACKUP_INVALID.
 */
export async function restoreArchive(
  { folder, manifest }: StoredBackup,
  { programs, ...options }: ProgramOptions & { programs: string | undefined },
): Promise<void> {
  const { restore } = await findPgPrograms(programs, manifest.archive!.major, "the archive");
  const argv = [
    restore,
    "--format=directory",
    `--dbname=${databaseOf(options.connectionString)}`,
    `--jobs=${options.jobs}`,
    "--exit-on-error",
    "--no-password",
    join(folder, FOLDER),
  ];
  await runProgram(argv, options);
  const { connectionString, timeoutMs } = options;
  const states = await readOnly(
    { connectionString, purpose: "proof", statementTimeoutMs: timeoutMs },
    async (session) => {
      await settleSession(session);
      return readSequenceStates(session);
    },
  );
  const expected = new Map(manifest.sequences.map(({ name, behind }) => [name, behind]));
  const behind = states.filter((state) => state.behind && expected.get(state.name) !== true);
  if (behind.length === 0) return;
  throw new TminusError(
    "BACKUP_INVALID",
    `${folder}: restored by pg_restore, ${behind.map(({ name }) => name).join(", ")} would hand out values that the rows already have`,
  );
}

async function runProgram(argv: readonly string[], options: ProgramOptions): Promise<void> {
  const { connectionString, timeoutMs, signal } = options;
  const env = libpqEnvironment(connectionString);
  const result = await run(argv, { env, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  signal?.throwIfAborted();
  if (result.exitCode === 0) return;
  const said = result.output.trim().split("\n").slice(-5).join("; ");
  const why = result.startError ?? (result.timedOut ? "it took too long" : said);
  throw new TminusError("BACKUP_FAILED", `${argv[0]}: ${why}`);
}

function databaseOf(connectionString: string): string {
  return libpqEnvironment(connectionString).PGDATABASE ?? "";
}

/** The program has closed it; whether it is on disk is another matter. */
async function syncedFile(partial: string, file: string): Promise<BackupFile> {
  const path = join(partial, file);
  const handle = await open(path, "r+");
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  await syncFolder(join(partial, FOLDER));
  return { file, bytes, sha256: hash.digest("hex") };
}
