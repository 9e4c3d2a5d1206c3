import { link, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { TminusError } from "../../../errors.ts";
import { identify, isAlive } from "../../../lib/process.ts";
import { UNFINISHED_WRITE, unfinishedWrite } from "../../migrations/unfinished.ts";

/** What is about to be written, put down before the first file: enough to take all of it back. */
const unfinishedSchema = z.strictObject({
  pid: z.number().describe("Process that writes"),
  startedAt: z.string().describe("When that process began, as the system counts"),
  created: z.array(z.string()).describe("Paths below the folder that were not there before"),
  replaced: z.array(z.string()).describe("Paths below the folder that were"),
});

export type UnfinishedWrite = Pick<z.infer<typeof unfinishedSchema>, "created" | "replaced">;

/** Where a file waits to be put in its place. */
export function stagedPath(path: string): string {
  return `${path}.tminus-new`;
}

/** Where the original stays until all files are in their places. */
export function keptPath(path: string): string {
  return `${path}.tminus-old`;
}

/** From here on nobody reads the folder until `endWrite`. Errors: MIGRATION_INVALID while another writes. */
export async function beginWrite(directory: string, write: UnfinishedWrite): Promise<void> {
  const path = join(directory, UNFINISHED_WRITE);
  const { pid, startedAt } = identify(process.pid) ?? { pid: process.pid, startedAt: "" };
  const own = ownPath(directory, pid);
  try {
    await writeFile(own, JSON.stringify({ pid, startedAt, ...write }), { flush: true });
    // Whole or not at all, and never over another's.
    await link(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw unfinishedWrite(directory);
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** The files are in their places: with the first removal it is done, and what is left over means nothing. */
export async function endWrite(directory: string, { created, replaced }: UnfinishedWrite): Promise<void> {
  await rm(join(directory, UNFINISHED_WRITE));
  for (const file of [...created, ...replaced]) await removeLeftover(stagedPath(join(directory, file)));
  for (const file of replaced) await removeLeftover(keptPath(join(directory, file)));
}

/** Everything as it was before `beginWrite`, from wherever it was ended; safe to repeat. It needs no room on the disk. */
export async function takeBackWrite(directory: string, write: UnfinishedWrite): Promise<void> {
  for (const file of write.replaced) {
    const path = join(directory, file);
    if ((await inodeOf(keptPath(path))) !== undefined) await rename(keptPath(path), path);
  }
  for (const file of write.created) {
    const path = join(directory, file);
    const own = await inodeOf(stagedPath(path));
    // Somebody else's file of this name is another one.
    if (own !== undefined && own === (await inodeOf(path))) await rm(path);
    await removeLeftover(stagedPath(path));
    if (dirname(file) !== ".") await rmdir(dirname(path)).catch(() => undefined);
  }
  await endWrite(directory, write);
}

/**
 * Takes back what a process left half written that has ended. False when there is nothing.
 * Errors: MIGRATION_INVALID when it still runs.
 */
export async function takeBackUnfinished(directory: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(join(directory, UNFINISHED_WRITE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const { pid, startedAt, ...write } = readUnfinished(text, directory);
  if (isAlive({ pid, startedAt })) throw unfinishedWrite(directory);
  await takeBackWrite(directory, write);
  await removeLeftover(ownPath(directory, pid));
  return true;
}

/** It is whole or not there, unless somebody else wrote it. */
function readUnfinished(text: string, directory: string): z.infer<typeof unfinishedSchema> {
  try {
    return unfinishedSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TminusError("MIGRATION_INVALID", `${UNFINISHED_WRITE} does not say what was being written`, {
      hint: `Compare the files of ${directory} with the repository, then remove ${UNFINISHED_WRITE}.`,
      cause: error,
    });
  }
}

/** Where what is about to be written is put down, before it counts. */
function ownPath(directory: string, pid: number): string {
  return join(directory, `${UNFINISHED_WRITE}.${pid}`);
}

/** What is not read by anybody may as well stay. */
async function removeLeftover(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** Undefined when there is no such file. */
async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
