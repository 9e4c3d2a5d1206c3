import { readFileSync, statSync } from "node:fs";
import { findInside } from "../lib/script-file.ts";

/** The text of a file of the project, or why there is none. */
export type ProjectFile = { state: "read"; text: string } | { state: "unreadable"; reason: string };

const MAX_BYTES = 5 * 1024 * 1024;

/** Reads a file by its path from the project folder; links that lead out of it are refused, and what is larger than 5 MiB. */
export function readProjectFile(projectDirectory: string, path: string): ProjectFile {
  const found = findInside(projectDirectory, path);
  if (found.state === "refused") return { state: "unreadable", reason: found.reason };
  try {
    const { size } = statSync(found.file);
    if (size > MAX_BYTES)
      return { state: "unreadable", reason: `${path} has ${size} bytes, too many to read` };
    return { state: "read", text: readFileSync(found.file, "utf8") };
  } catch (error) {
    // A folder, or no permission: the gate says that it could not find out.
    return { state: "unreadable", reason: `${path} cannot be read: ${String(error)}` };
  }
}
