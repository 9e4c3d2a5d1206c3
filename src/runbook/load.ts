import { open, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { TminusError } from "../errors.ts";
import { hashJson, sha256 } from "../lib/hash.ts";
import type { Runbook, RunbookKinds } from "../model/runbook.ts";
import { Mistakes } from "./diagnostic.ts";
import { decodeSource, MAX_BYTES, type Refusal } from "./guard.ts";
import { importRunbook } from "./import-runbook.ts";
import { parseRunbook, runbookError } from "./parse.ts";
import { SourceText } from "./source-text.ts";

export interface LoadedRunbook {
  /** Absolute path of the file. */
  file: string;
  /** Absolute path of its folder: what relative paths in the runbook start from. */
  directory: string;
  runbook: Runbook;
  /** Hash of what the runbook says; comments and layout do not change it. */
  digest: string;
}

export interface LoadOptions {
  /** Where to start looking, and what file names in messages are relative to. */
  directory: string;
  /** A file to read instead of looking for one; relative to `directory`. */
  file?: string;
  kinds: RunbookKinds;
}

/** File names, each folder's first one counts. */
export const RUNBOOK_FILES = ["tminus.yaml", "tminus.yml", "tminus.config.ts"] as const;

const MAX_PARENTS = 64;

/**
 * Finds, reads and checks the runbook. A tminus.config.ts is executed: it is code of the project.
 * Errors: RUNBOOK_MISSING, RUNBOOK_UNREADABLE, RUNBOOK_INVALID (details.diagnostics).
 */
export async function loadRunbook(options: LoadOptions): Promise<LoadedRunbook> {
  const file =
    options.file === undefined
      ? await findRunbook(options.directory)
      : resolve(options.directory, options.file);
  const shown = relative(resolve(options.directory), file);
  const bytes = await readLimited(file, shown);
  const decoded = decodeSource(bytes);
  if ("refusal" in decoded) throw refused(shown, decoded);
  const source = { file: shown, text: decoded.text };
  const result = /\.[cm]?[jt]s$/.test(file)
    ? await importRunbook(file, source, sha256(bytes), options.kinds)
    : parseRunbook(source, options.kinds);
  if (result.state !== "valid") throw runbookError(shown, result);
  return { file, directory: dirname(file), runbook: result.runbook, digest: hashJson(result.runbook) };
}

/**
 * The runbook's path, looked for from a folder upwards to the git root or the root of the disk.
 * Errors: RUNBOOK_MISSING; RUNBOOK_INVALID when one folder has two.
 */
export async function findRunbook(directory: string): Promise<string> {
  let folder = resolve(directory);
  for (let step = 0; step < MAX_PARENTS; step++) {
    const found: string[] = [];
    for (const name of RUNBOOK_FILES) if (await exists(join(folder, name))) found.push(name);
    if (found.length > 1) {
      throw new TminusError("RUNBOOK_INVALID", `${folder} has more than one runbook: ${found.join(", ")}`, {
        hint: "Keep one of them, or name the one that is meant with --config <file>.",
        details: { directory: folder, files: found },
      });
    }
    if (found[0] !== undefined) return join(folder, found[0]);
    const parent = dirname(folder);
    if (parent === folder || (await exists(join(folder, ".git")))) break;
    folder = parent;
  }
  throw new TminusError(
    "RUNBOOK_MISSING",
    `no ${RUNBOOK_FILES.join(", ")} in ${resolve(directory)} or above it`,
    {
      details: { directory: resolve(directory), searchedUpTo: folder },
    },
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return false;
    const message = `${path} could not be looked at: ${systemCode(error)}`;
    throw new TminusError("RUNBOOK_UNREADABLE", message, { cause: error });
  }
}

/** The file's bytes, at most one more than the limit, so that a huge or endless file is never held whole. */
async function readLimited(file: string, shown: string): Promise<Uint8Array> {
  try {
    const info = await stat(file);
    if (!info.isFile()) throw new TminusError("RUNBOOK_UNREADABLE", `${shown} is not a file`);
    await using handle = await open(file, "r");
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof TminusError) throw error;
    const code = systemCode(error) === "ENOENT" ? "RUNBOOK_MISSING" : "RUNBOOK_UNREADABLE";
    throw new TminusError(code, `${shown} could not be read: ${systemCode(error)}`, { cause: error });
  }
}

function refused(file: string, { refusal, legible }: { refusal: Refusal; legible: string }): TminusError {
  const source = new SourceText(file, legible);
  const mistakes = new Mistakes();
  mistakes.add({ path: [], ...refusal });
  return runbookError(file, { state: "unreadable", ...mistakes.list(source) });
}

function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
