import { existsSync, readFileSync } from "node:fs";
import { TminusError } from "../errors.ts";
import { sha256 } from "../lib/hash.ts";
import { writeFileAtomically } from "../lib/write-file.ts";
import { clean } from "../report/text.ts";

/** Markdown or SVG, which both know comments. */
export interface MarkedFile {
  /** Absolute. */
  path: string;
  /** As people are told of it. */
  name: string;
  content: string;
}

/** As for any file of the person who runs the command: the umask decides. */
const MODE = 0o666;
const MARK = /^<!-- written by tminus, sha256 ([0-9a-f]{64}) -->\n$/;

/**
 * Writes the files, each at once as a whole, with a last line by which tminus knows its own. When one is there that it
 * did not write, or that was changed since, none is written, unless `force`. Errors: USAGE_INVALID.
 */
export function writeMarked(files: readonly MarkedFile[], force: boolean): void {
  const foreign = force ? [] : files.filter(({ path }) => !isFree(path));
  if (foreign.length > 0)
    throw new TminusError(
      "USAGE_INVALID",
      `${foreign.map(({ name }) => clean(name)).join(", ")}: there already, and not as tminus has written it; nothing was written`,
      { hint: "Name another file or folder, or overwrite with --force." },
    );
  for (const { path, name, content } of files) {
    const text = content.endsWith("\n") ? content : `${content}\n`;
    try {
      writeFileAtomically(path, `${text}<!-- written by tminus, sha256 ${sha256(text)} -->\n`, MODE);
    } catch (error) {
      throw cannotWrite(name, error);
    }
  }
}

export function cannotWrite(name: string, error: unknown): TminusError {
  return new TminusError("USAGE_INVALID", `${clean(name)} could not be written: ${String(error)}`, {
    hint: "Name a file in a folder that exists and may be written to, or a folder.",
    cause: error,
  });
}

/** Nothing is there, or what tminus has written, unchanged. */
function isFree(path: string): boolean {
  if (!existsSync(path)) return true;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // A folder, or what may not be read: not ours in any case.
    return false;
  }
  const start = text.lastIndexOf("\n", text.length - 2) + 1;
  return MARK.exec(text.slice(start))?.[1] === sha256(text.slice(0, start));
}
