import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { every } from "../lib/clock.ts";
import { logFailure, toldError } from "./told-error.ts";

const PING_MS = 15_000;

/**
 * Answers while the work goes on, so that people see what is looked at and nothing in between takes the silence for the end:
 * server-sent events named `progress`, with a text as JSON, and one last named `result` or `error`. The status is 200 whatever
 * comes of it.
 */
export function answerAsEvents(
  c: Context,
  log: (line: string) => void,
  work: (progress: (text: string) => void) => Promise<unknown>,
): Response {
  c.header("X-Accel-Buffering", "no");
  return streamSSE(c, async (stream) => {
    const write = (event: string, data: unknown): Promise<void> =>
      stream.writeSSE({ event, data: JSON.stringify(data) });
    const stopPinging = every(PING_MS, () => void stream.write(": ping\n\n"));
    try {
      await write("result", await work((text) => void write("progress", text)));
    } catch (error) {
      logFailure(c.req, error, log);
      await write("error", toldError(error));
    } finally {
      stopPinging();
    }
  });
}
