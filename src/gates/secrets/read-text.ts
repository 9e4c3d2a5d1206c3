import { lstatSync, readFileSync } from "node:fs";

/** The text of a file on disk: not every file is one. */
export type FileText =
  | { state: "text"; text: string }
  | { state: "binary" }
  /** Nobody knows what is in it. */
  | { state: "unread"; reason: string };

const MAX_BYTES = 5 * 1024 * 1024;
/** As git decides it: a NUL among the first bytes. */
const LOOKED_AT = 8000;

/** Reads UTF-8, and UTF-16 with a byte order mark, which editors on Windows write. */
export function readText(path: string): FileText {
  try {
    const { size } = lstatSync(path);
    if (size > MAX_BYTES) return { state: "unread", reason: `it has ${size} bytes` };
    const bytes = readFileSync(path);
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return { state: "text", text: bytes.toString("utf16le", 2) };
    if (bytes[0] === 0xfe && bytes[1] === 0xff)
      return { state: "text", text: new TextDecoder("utf-16be").decode(bytes) };
    if (bytes.subarray(0, LOOKED_AT).includes(0)) return { state: "binary" };
    return { state: "text", text: bytes.toString("utf8") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { state: "unread", reason: code === "ENOENT" ? "it is not in the work tree" : code };
  }
}
