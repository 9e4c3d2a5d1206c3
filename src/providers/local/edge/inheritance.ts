import { readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Edge } from "./edge.ts";
import type { HistoryFile } from "./history-file.ts";

type Log = (text: string) => void;

/** The socket of the edge that was here last, whether it still answers or not. */
export function linkedSocket(folder: string): string | undefined {
  try {
    return join(folder, readlinkSync(join(folder, "control.sock")));
  } catch {
    return undefined; // this is the first one
  }
}

/**
 * Fills the history from a former process that still answers, else from disk. Returns the last span that the former
 * has given, undefined when it gave none. Never rejects: an edge serves with or without its past.
 */
export async function takeHistory(
  edge: Edge,
  former: string | undefined,
  history: HistoryFile,
  log: Log,
): Promise<number | undefined> {
  try {
    if (former !== undefined) return await edge.counts.takeSpans(former);
  } catch (error) {
    if (!isGone(error)) log(`the former edge gave no history: ${String(error)}`);
  }
  try {
    for (const span of await history.load(Date.now())) edge.spans.history.close(span);
  } catch (error) {
    log(`the stored history cannot be read: ${String(error)}`);
  }
  return undefined;
}

/** Goes on with the counters of the former process. Never rejects. */
export async function takeCounts(edge: Edge, former: string, lastSpan: number, log: Log): Promise<void> {
  try {
    await edge.counts.takeCounts(former, lastSpan);
  } catch (error) {
    log(`the counters begin anew, because the former edge did not give them: ${String(error)}`);
  }
}

/** Whether nobody listens at the socket any more. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(ENOENT|ECONNREFUSED)$/.test(String(error.code));
}
