import type { JsonObject } from "../model/json.ts";
import { clean } from "./text.ts";

/** What somebody said with a signal, and the file they handed in with it. */
export function saidNote({ note, attachment }: JsonObject): string {
  const said = typeof note === "string" ? clean(note) : "";
  if (typeof attachment !== "object" || attachment === null || Array.isArray(attachment)) return said;
  const { name, sha256 } = attachment;
  if (typeof name !== "string" || typeof sha256 !== "string") return said;
  return `${said === "" ? "" : `${said} `}[${clean(name)}, evidence ${clean(sha256)}]`;
}
