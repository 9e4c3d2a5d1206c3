import { link, mkdir, readFile, rename, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TminusError } from "../../../errors.ts";
import type { FixedFile } from "./plan-fix.ts";

/**
 * Writes the files of a fix into the folder, all or none: what was written is taken away again when something fails.
 * A new file never replaces one that is there; an original is replaced only while it holds what was read.
 * Errors: MIGRATION_INVALID when a file changed or stands in the way; what writing a file throws.
 */
export async function writeFix(directory: string, fixed: readonly FixedFile[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const { original, content } of fixed) {
      if ((await readFile(join(directory, original), "utf8")) !== content)
        throw new TminusError("MIGRATION_INVALID", `${original} changed meanwhile; nothing was written`);
    }
    for (const { original, files } of fixed) {
      for (const { file, text } of files.filter((each) => each.file !== original))
        await create(directory, file, text, undo);
    }
    for (const each of fixed) await replaceOriginal(directory, each, undo);
  } catch (error) {
    for (const each of undo.toReversed()) await each();
    throw error;
  }
}

async function create(
  directory: string,
  file: string,
  text: string,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const path = join(directory, file);
  const folder = dirname(path);
  const made = await mkdir(folder, { recursive: true });
  if (made !== undefined) undo.push(() => rmdir(folder));
  const staged = `${path}.tminus-new`;
  await writeFile(staged, text, { flush: true });
  try {
    // Unlike rename, it fails when the name is taken.
    await link(staged, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new TminusError("MIGRATION_INVALID", `${file} is there already; nothing was written`);
  } finally {
    await unlink(staged);
  }
  undo.push(() => rm(path, { force: true }));
}

async function replaceOriginal(
  directory: string,
  { original, content, files }: FixedFile,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const path = join(directory, original);
  const own = files.find(({ file }) => file === original);
  const staged = `${path}.tminus-new`;
  undo.push(() => writeFile(path, content, { flush: true }));
  if (own === undefined) {
    await rm(path);
    return;
  }
  await writeFile(staged, own.text, { flush: true });
  await rename(staged, path);
}
