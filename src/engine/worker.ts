import { deadline } from "../lib/clock.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import type { DurableEngine } from "./durable/port.ts";
import { executeRun } from "./execute-run.ts";
import { LEASE_EXPIRY_MS } from "./lease.ts";
import type { EnginePorts } from "./ports.ts";

/** How often a worker looks for runs that nobody started and for peers that died. */
const LOOK_EVERY_MS = 200;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5_000;

/** What a worker needs to know of its peers; the store implements it. */
export interface WorkerPeers {
  reapDead(takeOver: (workerId: string) => Promise<void>): Promise<void>;
  findSilent(expiryMs: number): Promise<string[]>;
}

export interface WorkerOptions {
  engine: DurableEngine;
  ports: EnginePorts;
  peers: WorkerPeers;
  /** Ends the worker. Runs under way stay unfinished and are taken over. */
  stop: AbortSignal;
  /** The worker ends by itself after this long without an unended run; 0 for never. */
  idleMs: number;
}

/**
 * Executes runs until stopped or idle: starts what is new, and takes over what dead or silent workers left.
 * Resolves with the reason why it ended.
 */
export async function work({
  engine,
  ports,
  peers,
  stop,
  idleMs,
}: WorkerOptions): Promise<"stopped" | "idle"> {
  const { clock, journal } = ports;
  const started = new Set<string>();
  await engine.launch((id) => executeUntilEnded(id, ports, stop));
  let idleSince = clock.monotonicMs();
  for (;;) {
    try {
      await peers.reapDead(async (worker) => takeOver(worker, engine, ports));
      for (const worker of await peers.findSilent(LEASE_EXPIRY_MS)) await takeOver(worker, engine, ports);
      const unended = await journal.unendedRuns();
      for (const id of unended) {
        if (started.has(id)) continue;
        await engine.start(id);
        started.add(id);
      }
      if (unended.length > 0) idleSince = clock.monotonicMs();
    } catch (error) {
      ports.log(`looking for work: ${toErrorRecord(error).message}`);
    }
    if (stop.aborted) return "stopped";
    if (idleMs > 0 && clock.monotonicMs() - idleSince >= idleMs) return "idle";
    await nextLook(ports, stop);
  }
}

/**
 * Executes a run, again after a failure of the state database or of tminus itself, until it has ended or
 * another worker has it. Never rejects: a rejected execution would be final for the durable engine.
 */
async function executeUntilEnded(id: string, ports: EnginePorts, stop: AbortSignal): Promise<void> {
  let backoffMs = RETRY_FIRST_MS;
  for (;;) {
    try {
      await executeRun(id, ports, stop);
      return;
    } catch (error) {
      if (hasCode(error, "LEASE_LOST")) return;
      if (stop.aborted) return await forever();
      ports.log(`run ${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    await ports.clock.sleep(backoffMs, stop).catch(() => undefined);
    if (stop.aborted) return await forever();
    backoffMs = Math.min(backoffMs * 2, RETRY_MAX_MS);
  }
}

/** A worker that shuts down leaves its runs unfinished for the engine: a return would mark them finished. */
function forever(): Promise<never> {
  return new Promise(() => undefined);
}

async function takeOver(worker: string, engine: DurableEngine, ports: EnginePorts): Promise<void> {
  const ids = await engine.recover(worker);
  if (ids.length > 0) ports.log(`took over ${ids.join(", ")} from ${worker}`);
}

async function nextLook({ journal }: EnginePorts, stop: AbortSignal): Promise<void> {
  const until = deadline(LOOK_EVERY_MS, stop);
  await new Promise<void>((resolve) => {
    const unsubscribe = journal.onRun(done);
    until.addEventListener("abort", done, { once: true });
    function done(): void {
      unsubscribe();
      resolve();
    }
  });
}
