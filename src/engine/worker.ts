import { deadline, whenAborted } from "../lib/clock.ts";
import { hasCode, toErrorRecord } from "../errors.ts";
import type { DurableEngine } from "./durable/port.ts";
import type { Journal } from "../model/journal.ts";
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
  /** Nobody counts on this worker any more; who starts a run now sees to it that there is another. */
  leave(): Promise<void>;
  /** Takes `leave` back. */
  join(): Promise<void>;
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
  const { clock } = ports;
  const started = new Set<string>();
  const tell = tellOnce(ports);
  await engine.launch((id) => executeUntilEnded(id, ports, stop));
  let idleSince = clock.monotonicMs();
  for (;;) {
    // Each by itself: that peers cannot be looked at is no reason to leave new runs lying.
    await peers.reapDead(async (worker) => takeOver(worker, engine, ports)).catch(tell);
    await takeOverSilent(peers, engine, ports).catch(tell);
    const count = await startNew(engine, ports, started).catch(tell);
    if (count !== undefined && count > 0) idleSince = clock.monotonicMs();
    if (stop.aborted) return "stopped";
    if (idleMs > 0 && clock.monotonicMs() - idleSince >= idleMs) {
      if (await mayEnd(peers, ports)) return "idle";
      idleSince = clock.monotonicMs();
    }
    await nextLook(ports, stop);
  }
}

/** Hands every run that has not ended to the engine, once. Returns how many there are. */
async function startNew(
  engine: DurableEngine,
  { journal }: EnginePorts,
  started: Set<string>,
): Promise<number> {
  const unended = new Set(await journal.unendedRuns());
  for (const id of started) if (!unended.has(id)) started.delete(id);
  for (const id of unended) {
    if (started.has(id)) continue;
    await engine.start(id);
    started.add(id);
  }
  return unended.size;
}

async function takeOverSilent(peers: WorkerPeers, engine: DurableEngine, ports: EnginePorts): Promise<void> {
  for (const worker of await peers.findSilent(LEASE_EXPIRY_MS)) await takeOver(worker, engine, ports);
}

/**
 * Leaves first and looks once more afterwards: a run that was created while this worker still counted as alive
 * is seen here, and whoever creates one later finds no worker and starts one.
 */
async function mayEnd(peers: WorkerPeers, { journal }: EnginePorts): Promise<boolean> {
  await peers.leave();
  if ((await journal.unendedRuns()).length === 0) return true;
  await peers.join();
  return false;
}

/** Logs an error, but not the same one again and again. */
function tellOnce({ log }: EnginePorts): (error: unknown) => undefined {
  let told = "";
  return (error) => {
    const { message } = toErrorRecord(error);
    if (message !== told) log(`looking for work: ${message}`);
    told = message;
    return undefined;
  };
}

/**
 * Executes a run, again after a failure of the state database or of tminus itself, until it has ended or
 * another worker has it. Never rejects: a rejected execution would be final for the durable engine.
 */
async function executeUntilEnded(id: string, ports: EnginePorts, stop: AbortSignal): Promise<void> {
  let backoffMs = RETRY_FIRST_MS;
  let hadIt = false;
  const takeLease: Journal["takeLease"] = async (...args) => {
    const answer = await ports.journal.takeLease(...args);
    if (answer.state === "taken") hadIt = true;
    return answer;
  };
  const watched = { ...ports, journal: { ...ports.journal, takeLease } };
  for (;;) {
    try {
      // Taking the run back from the worker that took it over would leave it to nobody once this one dies.
      if (hadIt && (await isElsewhere(id, ports))) return;
      await executeRun(id, watched, stop);
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

async function isElsewhere(id: string, { journal, workerId }: EnginePorts): Promise<boolean> {
  const { plan, environment } = await journal.run(id);
  const lease = await journal.lease(plan.project, environment);
  return lease?.runId === id && lease.worker !== workerId;
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
  let unsubscribe = (): void => undefined;
  const runChange = new Promise<void>((resolve) => (unsubscribe = journal.onRun(resolve)));
  await Promise.race([runChange, whenAborted(deadline(LOOK_EVERY_MS, stop))]);
  unsubscribe();
}
