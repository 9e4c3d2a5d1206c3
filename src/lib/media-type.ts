import { extname } from "node:path";

const BY_ENDING: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".gif": "image/gif",
  ".html": "text/html",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".md": "text/markdown",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
  ".xml": "application/xml",
  ".zip": "application/zip",
};

/** By the ending of the name; otherwise text/plain when it is text, else application/octet-stream. */
export function mediaTypeOf(name: string, isText: boolean): string {
  return BY_ENDING[extname(name).toLowerCase()] ?? (isText ? "text/plain" : "application/octet-stream");
}

/** The bytes as the text that they are, which gives the same bytes again; undefined when they are none, or hold U+0000. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // not UTF-8
  }
}
