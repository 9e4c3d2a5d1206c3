import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Anchor, AnchorPlace } from "../../model/audit.ts";
import { parseAnchors } from "./parse-anchors.ts";

const TAIL_BYTES = 4_096;

/** A file to which each anchor is added as a line, on disk when it counts as written. */
export function fileAnchors(path: string): AnchorPlace {
  return {
    name: `the file ${path}`,
    async write(anchor) {
      await mkdir(dirname(path), { recursive: true });
      await using file = await open(path, "a+", 0o600);
      const { size } = await file.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const tail = buffer.toString("utf8");
      const line = JSON.stringify(anchor);
      if (lastOf(tail)?.hash === anchor.hash) return;
      await file.appendFile(`${tail === "" || tail.endsWith("\n") ? "" : "\n"}${line}\n`);
      await file.sync();
    },
    async read() {
      try {
        return parseAnchors(await readFile(path, "utf8"));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // none was written yet
        throw error;
      }
    },
  };
}

/** Of the end of a file, the first line of which may be half of one. */
function lastOf(tail: string): Anchor | undefined {
  return parseAnchors(tail.slice(tail.indexOf("\n{") + 1)).at(-1);
}
