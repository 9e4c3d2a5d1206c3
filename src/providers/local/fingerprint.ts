import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import { hashJson } from "../../lib/hash.ts";

const MAX_FILES = 50_000;
/** Installed or derived; what they hold follows from files that are hashed (lock files, history). */
const SKIPPED = new Set(["node_modules", ".git"]);

/**
 * SHA-256 over the names, executable bits and contents of every file below the paths. Symbolic links count by
 * where they point. Folders named node_modules and .git are left out. Throws TARGET_CONFLICT when a path does not
 * exist, or for more than 50 000 files.
 */
export async function fingerprintPaths(paths: readonly string[]): Promise<string> {
  const entries: string[][] = [];
  for (const [index, path] of paths.entries()) await collect(path, String(index), entries);
  return hashJson(entries);
}

async function collect(path: string, name: string, entries: string[][]): Promise<void> {
  if (entries.length >= MAX_FILES) {
    throw new TminusError("TARGET_CONFLICT", `a release has more than ${MAX_FILES} files`);
  }
  const stat = await lstat(path).catch((error: unknown) => {
    throw new TminusError("TARGET_CONFLICT", `${path} cannot be read`, { cause: error });
  });
  if (stat.isSymbolicLink()) {
    entries.push([name, "link", await readlink(path)]);
  } else if (stat.isDirectory()) {
    for (const child of (await readdir(path)).sort()) {
      if (!SKIPPED.has(child)) await collect(join(path, child), `${name}/${child}`, entries);
    }
  } else if (stat.isFile()) {
    entries.push([name, (stat.mode & 0o100) === 0 ? "file" : "executable", await hashFile(path)]);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}
