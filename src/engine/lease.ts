import { crashPoint } from "../lib/crash-point.ts";
import { deadline, whenAborted } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { TminusError } from "../errors.ts";
import type { Execution } from "../model/journal.ts";
import type { Run } from "../model/run.ts";
import type { Control } from "./control.ts";
import type { EnginePorts } from "./ports.ts";
import { firstMoment } from "./timeline.ts";
import { closedWindow } from "./window.ts";

/** A worker that has not been heard of for this long is taken for dead; its runs are taken over. */
export const LEASE_EXPIRY_MS = 30_000;
const HEARTBEAT_MS = 3_000;
/** Without a heartbeat for this long a worker gives its run up, before others take it over. */
const GIVE_UP_MS = LEASE_EXPIRY_MS - 3 * HEARTBEAT_MS;
const QUEUE_POLL_MS = 1_000;

/**
 * Waits until the run holds its environment and returns the execution with its fencing token, or undefined
 * when a person aborted the run while it was queued. Runs go in the order in which they were created; one that waits
 * for a window keeps its place, and only runs that go back to an earlier release and those in an emergency pass it.
 */
export async function takeLease(
  run: Run,
  ports: EnginePorts,
  control: Control,
  stop: AbortSignal,
): Promise<Execution | undefined> {
  const { journal } = ports;
  let told: string | undefined;
  for (;;) {
    const closed = firstMoment(run, ports) ?? (await closedWindow(run, ports));
    if (closed === undefined) {
      crashPoint("run.before-lease", run.id);
      const answer = await journal.takeLease(run.id, ports.workerId);
      if (answer.state === "taken") {
        crashPoint("run.after-lease", run.id);
        return { runId: run.id, token: answer.token };
      }
      if (answer.holder !== told) {
        told = answer.holder;
        await journal.recordQueued(run.id, await describeHolder(answer.holder, ports), null);
      }
    } else if (closed.told !== told) {
      told = closed.told;
      await journal.recordQueued(run.id, { window: closed.waitingFor.text }, closed.waitingFor);
    }
    const request = control.stopRequest();
    if (request !== undefined) {
      await journal.endQueued(run.id, {
        outcome: "stopped",
        reason: `${request.body.kind} by ${request.actor} while queued`,
      });
      const { state } = await journal.run(run.id);
      if (state === "ended") return undefined;
      continue;
    }
    const pollMs = closed === undefined ? QUEUE_POLL_MS : closed.pollMs;
    await someRunChanges(ports, deadline(pollMs, stop), control);
    stop.throwIfAborted();
  }
}

/**
 * Heartbeats until closed. `lost` aborts with LEASE_LOST when a newer execution has taken the run, and with
 * STATE_UNAVAILABLE when no heartbeat arrived for so long that one may have: what is not fenced must stop too.
 */
export function keepLease(
  execution: Execution,
  ports: EnginePorts,
): { lost: AbortSignal; close(): Promise<void> } {
  const lost = new AbortController();
  const closing = new AbortController();
  const beating = (async () => {
    let heardAt = ports.clock.monotonicMs();
    while (!closing.signal.aborted) {
      await ports.clock.sleep(HEARTBEAT_MS, closing.signal);
      const sentAt = ports.clock.monotonicMs();
      const isOurs = await beat(execution, ports, closing.signal);
      if (isOurs === true) heardAt = sentAt;
      if (closing.signal.aborted) return;
      if (isOurs === false) {
        lost.abort(new TminusError("LEASE_LOST", `run ${execution.runId} was taken over by another worker`));
        return;
      }
      if (ports.clock.monotonicMs() - heardAt >= GIVE_UP_MS) {
        const text = `no heartbeat of run ${execution.runId} arrived for ${GIVE_UP_MS / 1000} s`;
        lost.abort(new TminusError("STATE_UNAVAILABLE", text));
        return;
      }
    }
  })().catch(() => undefined); // ends by close
  return {
    lost: lost.signal,
    async close() {
      closing.abort(new Error("closed"));
      await beating;
    },
  };
}

/** Whether the environment is still ours; undefined when the database did not say so in time. */
async function beat(
  execution: Execution,
  { journal, clock, log }: EnginePorts,
  closing: AbortSignal,
): Promise<boolean | undefined> {
  const over = new AbortController();
  const beaten = journal.heartbeat(execution).catch((error: unknown) => {
    log(`heartbeat of ${execution.runId}: ${String(error)}`);
    return undefined;
  });
  const late = clock.sleep(HEARTBEAT_MS, AbortSignal.any([closing, over.signal])).then(
    () => undefined,
    () => undefined,
  ); // it is over
  try {
    return await Promise.race([beaten, late]);
  } finally {
    over.abort(new Error("answered"));
  }
}

async function describeHolder(
  holder: string,
  { journal, clock }: EnginePorts,
): Promise<{ [key: string]: string }> {
  const run = await journal.run(holder);
  const age = clock.now().getTime() - run.createdAt.getTime();
  return {
    holder,
    holderRelease: run.plan.release,
    holderPlan: run.plan.hash,
    holderBy: run.createdBy,
    holderAge: formatDuration(Math.max(0, age)),
  };
}

/** Resolves when a run was created or ended, a signal arrived, or `until` aborts. */
async function someRunChanges(ports: EnginePorts, until: AbortSignal, control: Control): Promise<void> {
  let unsubscribe = (): void => undefined;
  const runChange = new Promise<void>((resolve) => {
    unsubscribe = ports.journal.onRun(resolve);
  });
  try {
    await Promise.race([runChange, whenAborted(until), control.changed(until).catch(() => undefined)]);
  } finally {
    unsubscribe();
  }
}
