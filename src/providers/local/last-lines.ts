import { open } from "node:fs/promises";

const TAIL_BYTES = 16 * 1024;

/** The last lines of a text file, at most 16 KiB of it; empty when it cannot be read. */
export async function lastLines(file: string, count: number): Promise<string> {
  try {
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8").trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return ""; // the lines only illustrate an error that is reported anyway
  }
}
