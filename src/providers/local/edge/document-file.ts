import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { emptyDocument, parseDocument, type EdgeDocument } from "./document.ts";

/** The document stored at `file`, or the empty one when there is none. Throws when the file is not a document. */
export async function loadDocument(file: string): Promise<EdgeDocument> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return emptyDocument;
    throw error;
  }
  return parseDocument(JSON.parse(text));
}

/** Replaces the stored document so that a crash at any moment leaves the old one or the new one, whole. */
export async function saveDocument(file: string, document: EdgeDocument): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(document));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const directory = await open(dirname(file), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
