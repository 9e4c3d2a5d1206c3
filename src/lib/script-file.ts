import { existsSync, readFileSync, realpathSync } from "node:fs";
import { resolve, sep } from "node:path";

/** Where a path leads, links followed, or why it must not be used. */
export type InsidePath = { state: "found"; file: string } | { state: "refused"; reason: string };

/** A path relative to `directory` that exists and, links followed, does not lead out of it. */
export function findInside(directory: string, path: string): InsidePath {
  const file = resolve(directory, path);
  if (!existsSync(file)) return { state: "refused", reason: `${path} does not exist` };
  const real = realpathSync(file);
  const root = realpathSync(directory);
  if (real !== root && !real.startsWith(root + sep))
    return { state: "refused", reason: `${path} leads out of the project` };
  return { state: "found", file: real };
}

/**
 * The argument list that runs a script file: by the interpreter its first line names, else by sh. As in
 * execve(2), what follows the interpreter on that line is one argument. The file need not be executable.
 */
export function scriptCommand(file: string): string[] {
  const firstLine = readFileSync(file, "utf8").split("\n", 1)[0]!;
  const match = /^#!\s*(\S+)(?:\s+(.*?))?\s*$/.exec(firstLine);
  if (match === null) return ["sh", file];
  const [, interpreter, argument] = match;
  return argument === undefined || argument === "" ? [interpreter!, file] : [interpreter!, argument, file];
}
