import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { matchesGlob } from "../../lib/glob.ts";

const compress = promisify(gzip);

/** Adds up the files below a folder that fit a pattern: how many, bytes on disk, bytes each compressed by itself. */
export async function measure(
  folder: string,
  pattern: string,
  signal: AbortSignal,
): Promise<{ files: number; raw: number; gzip: number }> {
  const total = { files: 0, raw: 0, gzip: 0 };
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    signal.throwIfAborted();
    const file = join(entry.parentPath, entry.name);
    const path = relative(folder, file).replaceAll(sep, "/");
    if (!entry.isFile() || !matchesGlob(path, pattern)) continue;
    const bytes = await readFile(file);
    total.files++;
    total.raw += bytes.length;
    total.gzip += (await compress(bytes, { level: constants.Z_BEST_COMPRESSION })).length;
  }
  return total;
}
