import { readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, unavailable } from "./unavailable.ts";

/** What the server's own lock file says. It stays behind when the server is killed. */
export interface PostmasterFile {
  pid: number;
  /** Undefined in the first moments of a start. */
  socketDirectory: string | undefined;
}

/** Name of the file inside the data folder. */
export const POSTMASTER_FILE = "postmaster.pid";

/** Undefined when there is none. Errors: STATE_UNAVAILABLE when it cannot be read. */
export function readPostmasterFile(data: string): PostmasterFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(data, POSTMASTER_FILE), "utf8").split("\n");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw unavailable(`${data} cannot be read`, { data, reason: codeOf(error) }, { cause: error });
  }
  const pid = Number(lines[0]);
  // Empty between the moments when the server makes the file and writes it.
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, socketDirectory: lines[4] === undefined || lines[4] === "" ? undefined : lines[4] };
}
