import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { hasCode, TminusError } from "../../errors.ts";
import { sha256 } from "../../lib/hash.ts";
import { randomText } from "../../lib/id.ts";
import { identify, isAlive } from "../../lib/process.ts";
import { decompressor } from "./compression.ts";
import { damaged, manifestText, parseManifest, type BackupFile, type BackupManifest } from "./manifest.ts";

const MANIFEST = "manifest.json";
const PARTIAL = ".partial-";
/** Before the name of a backup that is being removed. */
export const REMOVED = ".removed-";

export interface StoredBackup {
  folder: string;
  manifest: BackupManifest;
}

/**
 * Makes the folder of a backup that is being written. Its name says who writes it; what dead processes left, or
 * did not remove to the end, is removed. Nothing in it counts before `publish`. Errors: BACKUP_FAILED when there is no room for `bytes`.
 */
export async function openPartial(directory: string, bytes: number): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    if (name.startsWith(REMOVED)) await rm(join(directory, name), { recursive: true, force: true });
    const match = /^\.partial-(\d+)-(\d*)-/.exec(name);
    if (match === null || isAlive({ pid: Number(match[1]), startedAt: match[2]! })) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < bytes) {
    throw new TminusError(
      "BACKUP_FAILED",
      `${directory} has ${megabytes(bavail * bsize)} MB free; the backup may take ${megabytes(bytes)} MB`,
      { hint: "Free some space, or name another folder." },
    );
  }
  const owner = identify(process.pid);
  const folder = join(directory, `${PARTIAL}${process.pid}-${owner?.startedAt ?? ""}-${randomText(6)}`);
  await mkdir(join(folder, "data"), { recursive: true, mode: 0o700 });
  return folder;
}

/** Makes a finished folder count, under its own name; on disk when this returns. */
export async function publish(partial: string, directory: string, manifest: BackupManifest): Promise<string> {
  await writeSynced(join(partial, MANIFEST), manifestText(manifest));
  for (const folder of [join(partial, "data"), partial]) await syncFolder(folder);
  const folder = join(directory, manifest.id);
  await rename(partial, folder);
  await syncFolder(directory);
  return folder;
}

/** Replaces the manifest, by one with a proof. A reader sees the old or the new one. */
export async function replaceManifest(folder: string, manifest: BackupManifest): Promise<void> {
  await writeSynced(join(folder, MANIFEST), manifestText(manifest));
  await syncFolder(folder);
}

export async function writeFileOf(folder: string, file: string, text: string): Promise<BackupFile> {
  await writeSynced(join(folder, file), text);
  return { file, bytes: Buffer.byteLength(text), sha256: sha256(text) };
}

/** Writes the stream that `start` begins to a new file, which has its name when all of it is on disk. */
export async function writeStream(
  folder: string,
  file: string,
  start: () => Readable,
  transform: Transform,
  signal: AbortSignal | undefined,
): Promise<BackupFile> {
  const path = join(folder, file);
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, "wx", 0o600);
  let written: BackupFile;
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    const write = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        await handle.write(chunk);
      }
    };
    await (signal === undefined
      ? pipeline(start(), transform, write)
      : pipeline(start(), transform, write, { signal }));
    await handle.sync();
    written = { file, bytes, sha256: hash.digest("hex") };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  return written;
}

/** Errors: BACKUP_INVALID. */
export async function readBackup(folder: string): Promise<StoredBackup> {
  const text = await readWhole(folder, MANIFEST);
  return { folder, manifest: parseManifest(text, join(folder, MANIFEST)) };
}

/** Every folder of `directory` that could be a backup, newest first, with what is wrong with it. */
export async function listBackups(
  directory: string,
): Promise<(StoredBackup | { folder: string; damage: string })[]> {
  const found: (StoredBackup | { folder: string; damage: string })[] = [];
  for (const name of (await names(directory)).toSorted().toReversed()) {
    if (name.startsWith(".")) continue;
    const folder = join(directory, name);
    try {
      found.push(await readBackup(folder));
    } catch (error) {
      if (!hasCode(error, "BACKUP_INVALID")) throw error;
      found.push({ folder, damage: error.message });
    }
  }
  return found;
}

/**
 * Reads every file and compares size and SHA-256 with the manifest; a restore is not needed to see most damage.
 * Errors: BACKUP_INVALID, which names the file.
 */
export async function checkFiles({ folder, manifest }: StoredBackup, signal?: AbortSignal): Promise<void> {
  for (const file of filesOf(manifest)) {
    signal?.throwIfAborted();
    for await (const _chunk of checkedBytes(folder, file)) signal?.throwIfAborted();
  }
}

/** A file that belongs to the backup, as text. Errors: BACKUP_INVALID. */
export async function readChecked(folder: string, file: BackupFile): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of checkedBytes(folder, file)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The rows of a part, decompressed. Ends with BACKUP_INVALID when the file is not what the manifest says. */
export async function* readRows(
  { folder, manifest }: StoredBackup,
  part: BackupFile,
): AsyncGenerator<Uint8Array> {
  const rows = decompressor(manifest.compression);
  const source = Readable.from(checkedBytes(folder, part), { objectMode: false });
  const feeding = pipeline(source, rows);
  // Awaited below; until then a failure is no unhandled one.
  feeding.catch(() => undefined);
  try {
    for await (const chunk of rows) yield chunk as Uint8Array;
    await feeding;
  } catch (error) {
    throw hasCode(error)
      ? error
      : damaged(join(folder, part.file), `it cannot be unpacked: ${String(error)}`);
  } finally {
    source.destroy();
    rows.destroy();
  }
}

export function filesOf({ schema, script, archive, tables }: BackupManifest): BackupFile[] {
  return [schema, script, ...(archive?.files ?? []), ...tables.flatMap(({ parts }) => parts)];
}

async function* checkedBytes(
  folder: string,
  { file, bytes, sha256: expected }: BackupFile,
): AsyncGenerator<Buffer> {
  const path = join(folder, file);
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined) throw damaged(path, "it is missing");
  if (size !== bytes) throw damaged(path, `it has ${size} bytes; the manifest says ${bytes}`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  if (hash.digest("hex") !== expected) throw damaged(path, "its SHA-256 is not the manifest's");
}

async function readWhole(folder: string, file: string): Promise<string> {
  const path = join(folder, file);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw damaged(path, `it cannot be read (${codeOf(error)})`);
  }
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
