import { fileURLToPath } from "node:url";
import { run } from "../../src/lib/process.ts";

/** What a child may take; then it hangs. */
const TIMEOUT_MS = 60_000;

/**
 * Runs a TypeScript program with this Node to its end and returns the last line that it printed. Rejects
 * with its output when it fails, and with the signal's reason.
 */
export async function runChild(
  file: URL,
  args: readonly (string | number)[],
  signal: AbortSignal,
): Promise<string> {
  const program = fileURLToPath(file);
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", program, ...args.map(String)];
  const result = await run(argv, { timeoutMs: TIMEOUT_MS, signal });
  signal.throwIfAborted();
  if (result.exitCode !== 0) throw new Error(`${program} failed: ${result.startError ?? result.output}`);
  return result.output.trimEnd().split("\n").at(-1) ?? "";
}
