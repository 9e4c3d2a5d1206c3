import { hostname } from "node:os";
import { systemClock } from "../lib/clock.ts";
import { randomText } from "../lib/id.ts";
import { openDbosEngine } from "../engine/durable/dbos.ts";
import { work } from "../engine/worker.ts";
import { openJournal } from "../store/journal.ts";
import { openNotifications } from "../store/notifications.ts";
import { openClient } from "../store/pool.ts";
import { readRunContext } from "../store/runs.ts";
import { findSilentWorkers, reapDeadWorkers, registerWorker } from "../store/workers.ts";
import { stepKinds } from "../steps/registry.ts";
import { openEnvironment } from "./environment.ts";
import { probe } from "./probe.ts";
import { runContextSchema } from "./run-context.ts";
import type { Environment } from "./secrets.ts";
import { openState } from "./state.ts";

const POOL_SIZE = 6;
const END_STATE_PATIENCE_MS = 15_000;

export interface RunWorkerOptions {
  stateDirectory: string;
  environment: Environment;
  /** The worker ends after this long without work; 0 for never. */
  idleMs: number;
  stop: AbortSignal;
  log: (line: string) => void;
}

/**
 * Runs a worker on the state database until `stop` aborts or it is idle. It ends by leaving the process: what
 * it was executing is taken over by the next worker, exactly as after a crash.
 */
export async function runWorker({
  stateDirectory,
  environment,
  idleMs,
  stop,
  log,
}: RunWorkerOptions): Promise<"stopped" | "idle"> {
  const clock = systemClock;
  const workerId = `${hostname()}-${process.pid}-${randomText(5)}`;
  const state = await openState({ stateDirectory, environment, clock, log, poolSize: POOL_SIZE });
  const { connectionString, pool } = state;
  const notifications = await openNotifications(connectionString, clock);
  const registration = await registerWorker(connectionString, workerId);
  const watcher = await openClient(connectionString);
  const engine = openDbosEngine({ connectionString, workerId, log });
  const ended = await work({
    engine,
    peers: {
      reapDead: (takeOver) => reapDeadWorkers(watcher, workerId, takeOver),
      findSilent: (expiryMs) => findSilentWorkers(pool, workerId, expiryMs),
    },
    ports: {
      journal: openJournal(pool, notifications),
      clock,
      workerId,
      stepKind: (kind) => stepKinds[kind],
      async openEnvironment(runId) {
        const context = runContextSchema.parse(await readRunContext(pool, runId));
        return openEnvironment({ context, processEnvironment: environment, clock, writeLine: log });
      },
      probe,
      patienceMs: END_STATE_PATIENCE_MS,
      log,
    },
    // Without its lock a worker counts as dead and its runs are taken over: it must not go on beside them.
    stop: AbortSignal.any([stop, registration.lost]),
    idleMs,
  });
  if (ended === "idle") {
    await engine.close();
    await watcher.end();
    await registration.close();
    await notifications.close();
    await state.close({ stopServer: true });
  }
  return ended;
}
