import type { ExitCode } from "../../error-codes.ts";
import type { CommandContext } from "../command-context.ts";

export interface WorkerOptions {
  /** The state folder. */
  state: string;
  /** Ends after this many milliseconds without work; never when left out. */
  idle?: number;
}

/** Executes runs until it is idle or told to stop. Started by the other commands; its output is the worker's log. */
export async function worker(
  { host, cancelled }: CommandContext,
  { state, idle }: WorkerOptions,
): Promise<ExitCode> {
  const log = (line: string): void => host.stdout.write(`${host.clock.now().toISOString()} ${line}\n`);
  const { runWorker } = await import("../../compose.ts");
  log(`worker ${process.pid} starts`);
  const ended = await runWorker({
    stateDirectory: state,
    environment: host.environment,
    idleMs: idle ?? 0,
    stop: cancelled,
    log,
  });
  log(`worker ${process.pid} ends: ${ended}`);
  return 0;
}
