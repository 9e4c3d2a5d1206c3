import { fileURLToPath } from "node:url";
import { run } from "../../src/lib/process.ts";

/** What a child may take unless it is told otherwise; then it hangs. */
const TIMEOUT_MS = 60_000;
/** One line of figures of every request. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Runs a TypeScript program with this Node to its end and returns the last line that it printed. Rejects
 * with its output when it fails, and with the signal's reason.
 */
export async function runChild(
  file: URL,
  args: readonly (string | number)[],
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const program = fileURLToPath(file);
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", program, ...args.map(String)];
  const result = await run(argv, { timeoutMs, signal, maxOutputBytes: MAX_OUTPUT_BYTES });
  signal.throwIfAborted();
  if (result.exitCode !== 0) throw new Error(`${program} failed: ${result.startError ?? result.output}`);
  return result.output.trimEnd().split("\n").at(-1) ?? "";
}
