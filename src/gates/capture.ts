import { run } from "../lib/process.ts";
import type { GateContext } from "../model/gate-kind.ts";

/** What a program said, or why it said nothing that could be relied on. */
export type Captured =
  | { state: "ended"; exitCode: number; stdout: string; stderr: string }
  | { state: "silent"; reason: string };

export interface CaptureOptions {
  cwd: string;
  env: Record<string, string>;
  timeoutMs: number;
  /** More on standard output is no answer. */
  maxBytes: number;
}

const MAX_STDERR = 16 * 1024;

/** Runs a program for what it prints, both streams apart. Throws only the signal's reason. */
export async function capture(
  context: Pick<GateContext<unknown>, "signal" | "redact">,
  argv: readonly string[],
  { cwd, env, timeoutMs, maxBytes }: CaptureOptions,
): Promise<Captured> {
  const stdout: string[] = [];
  let length = 0;
  let stderr = "";
  const tooMuch = new AbortController();
  const ran = await run(argv, {
    cwd,
    env,
    timeoutMs,
    signal: AbortSignal.any([context.signal, tooMuch.signal]),
    maxOutputBytes: 1,
    onOutput(chunk, stream) {
      if (stream === "stderr") stderr = (stderr + chunk).slice(0, MAX_STDERR);
      else if ((length += chunk.length) <= maxBytes) stdout.push(chunk);
      else tooMuch.abort();
    },
  });
  context.signal.throwIfAborted();
  const silent = (reason: string): Captured => ({ state: "silent", reason: context.redact(reason) });
  const name = argv[0]!;
  if (tooMuch.signal.aborted) return silent(`${name} printed more than ${maxBytes} characters`);
  if (ran.startError !== undefined) return silent(`${name} could not be started: ${ran.startError}`);
  if (ran.timedOut) return silent(`${name} did not end within ${timeoutMs / 1000} s`);
  if (ran.exitCode === undefined) return silent(`${name} was ended by ${ran.signalName ?? "a signal"}`);
  return { state: "ended", exitCode: ran.exitCode, stdout: stdout.join(""), stderr };
}
