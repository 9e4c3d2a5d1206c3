import { deadline } from "../lib/clock.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import type { Attempt, EndState, Run } from "../model/run.ts";
import type { Execution } from "../model/journal.ts";
import type { Control } from "./control.ts";
import type { EnginePorts, OpenEnvironment } from "./ports.ts";

/** How often it is tried again, beside at every signal. */
const RETRY_MS = 5_000;

export interface Opening {
  run: Run;
  execution: Execution;
  ports: EnginePorts;
  control: Control;
  lost: AbortSignal;
  attempts: readonly Attempt[];
}

/**
 * Opens the run's environment. What this worker lacks (a variable, a folder) is told as a question, and tried
 * again until it is there. Undefined when a person stopped the run meanwhile and it had changed nothing: then
 * it has ended. A run that did change something is kept, because without its environment nothing can be undone.
 * Errors: LEASE_LOST, STATE_UNAVAILABLE, the reason of `lost`.
 */
export async function openEnvironment(opening: Opening): Promise<OpenEnvironment | undefined> {
  const { run, execution, ports, control, lost, attempts } = opening;
  const hasChanged = attempts.some(({ acted }) => acted);
  let told: string | undefined;
  for (;;) {
    const opened = await tryToOpen(opening);
    if ("environment" in opened) {
      const state = run.verdict === undefined ? "running" : "rolling-back";
      if (told !== undefined)
        await ports.journal.record(execution, "step.continued", {}, { state, waitingFor: null });
      return opened.environment;
    }
    const stop = control.stopRequest();
    if (stop !== undefined && !hasChanged) {
      await endUnopened(opening, `${stop.body.kind} by ${stop.actor}; ${opened.reason}`);
      return undefined;
    }
    if (told !== opened.reason) {
      told = opened.reason;
      const way = hasChanged ? "" : `, or: tminus abort ${run.id}`;
      const text = `the environment cannot be opened: ${told}. Put that right, then: tminus resume ${run.id}${way}`;
      const waitingFor = { for: "decision", text } as const;
      await ports.journal.record(
        execution,
        "step.waiting",
        { ...waitingFor },
        { state: "waiting", waitingFor },
      );
    }
    await control.changed(deadline(RETRY_MS, lost)).catch(() => lost.throwIfAborted()); // else it is time to try
  }
}

async function tryToOpen({
  run,
  ports,
}: Opening): Promise<{ environment: OpenEnvironment } | { reason: string }> {
  try {
    return { environment: await ports.openEnvironment(run.id) };
  } catch (error) {
    if (hasCode(error, "LEASE_LOST", "STATE_UNAVAILABLE")) throw error;
    return { reason: toErrorRecord(error).message };
  }
}

async function endUnopened({ execution, ports }: Opening, reason: string): Promise<void> {
  const endState: EndState = {
    verdict: "unknown",
    reason: "nobody looked: the environment could not be opened",
    at: ports.clock.now().toISOString(),
  };
  const data = { outcome: "stopped", endState: { ...endState }, reason };
  await ports.journal.endRun(execution, "stopped", endState, data);
}
