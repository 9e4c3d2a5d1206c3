import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hasCode, TminusError } from "../../../errors.ts";
import type { FixedFile } from "./plan-fix.ts";
import {
  beginWrite,
  endWrite,
  keptPath,
  stagedPath,
  takeBackWrite,
  type UnfinishedWrite,
} from "./unfinished-write.ts";

/**
 * Writes the files of a fix into the folder, all or none: when something fails everything is as it was, and after a
 * kill nobody reads the folder until `takeBackUnfinished` has run. A new file never replaces one that is there; an
 * original is replaced only while it holds what was read, and keeps its mode.
 * Errors: MIGRATION_INVALID when a file changed, stands in the way or cannot be written; another one writes.
 */
export async function writeFix(directory: string, fixed: readonly FixedFile[]): Promise<void> {
  const write: UnfinishedWrite = {
    created: fixed.flatMap(({ original, files }) =>
      files.flatMap(({ file }) => (file === original ? [] : [file])),
    ),
    replaced: fixed.map(({ original }) => original),
  };
  try {
    await beginWrite(directory, write);
  } catch (error) {
    throw cannotWrite(error);
  }
  try {
    for (const { original, content } of fixed) await expectUnchanged(directory, original, content);
    for (const each of fixed) await stage(directory, each);
    for (const file of write.created) await create(directory, file);
    for (const each of fixed) await replaceOriginal(directory, each);
  } catch (error) {
    await takeBackWrite(directory, write);
    throw cannotWrite(error);
  }
  await endWrite(directory, write);
}

async function expectUnchanged(directory: string, file: string, content: string): Promise<void> {
  const bytes = await readFile(join(directory, file));
  // As the folder is read: a byte order mark is no part of the text.
  if (new TextDecoder().decode(bytes) !== content)
    throw new TminusError("MIGRATION_INVALID", `${file} changed meanwhile; nothing was written`);
}

/** All that takes room on the disk, before any file is in its place. */
async function stage(directory: string, { original, files }: FixedFile): Promise<void> {
  const path = join(directory, original);
  const { mode } = await stat(path);
  // Left over from a write that was ended when it was done.
  await rm(keptPath(path), { force: true });
  await link(path, keptPath(path));
  for (const { file, text } of files) {
    const target = join(directory, file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(stagedPath(target), text, { flush: true });
    await chmod(stagedPath(target), mode & 0o777);
  }
}

async function create(directory: string, file: string): Promise<void> {
  const path = join(directory, file);
  try {
    // Unlike rename, it fails when the name is taken.
    await link(stagedPath(path), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new TminusError("MIGRATION_INVALID", `${file} is there already; nothing was written`);
  }
}

async function replaceOriginal(directory: string, { original, files }: FixedFile): Promise<void> {
  const path = join(directory, original);
  if (files.some(({ file }) => file === original)) await rename(stagedPath(path), path);
  else await rm(path);
}

/** What the system says of a file, with what to do. */
function cannotWrite(error: unknown): unknown {
  if (hasCode(error) || !(error instanceof Error) || !("syscall" in error)) return error;
  return new TminusError(
    "MIGRATION_INVALID",
    `the files cannot be written: ${error.message}; nothing was written`,
    {
      hint: "Make room on the disk and the folder writable, then run it again.",
      cause: error,
    },
  );
}
