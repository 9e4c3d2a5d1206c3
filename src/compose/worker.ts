import { hostname } from "node:os";
import { systemClock } from "../lib/clock.ts";
import { randomText } from "../lib/id.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import { openDbosEngine } from "../engine/durable/dbos.ts";
import { work } from "../engine/worker.ts";
import { openJournal } from "../store/journal.ts";
import { openNotifications } from "../store/notifications.ts";
import { readRunContext } from "../store/runs.ts";
import { findSilentWorkers, openReaper, registerWorker } from "../store/workers.ts";
import { stepKinds } from "../steps/registry.ts";
import { anchorHead } from "./anchors.ts";
import { openEnvironment } from "./environment.ts";
import { probe } from "./probe.ts";
import { openReminders } from "./reminders.ts";
import { openRunCalendar } from "./run-calendar.ts";
import { runContextSchema } from "./run-context.ts";
import type { Environment } from "./secrets.ts";
import { openState } from "./state.ts";
import { openTraces } from "./traces.ts";

const POOL_SIZE = 6;
const END_STATE_PATIENCE_MS = 15_000;
const SECOND_ROLLBACK_MS = 10 * 60_000;

export interface RunWorkerOptions {
  stateDirectory: string;
  environment: Environment;
  /** The worker ends after this long without work; 0 for never. */
  idleMs: number;
  stop: AbortSignal;
  log: (line: string) => void;
}

/**
 * Runs a worker on the state database until `stop` aborts or it is idle. Runs under way stay unfinished: the
 * next worker takes them over, exactly as after a crash. Throws STATE_UNAVAILABLE when its proof of life was
 * lost, because others take it for dead then and it must not go on beside them.
 */
export async function runWorker(options: RunWorkerOptions): Promise<"stopped" | "idle"> {
  const closing: (() => Promise<void>)[] = [];
  let ended: "stopped" | "idle" | undefined;
  try {
    ended = await openAndWork(options, closing, () => ended === "idle");
    return ended;
  } finally {
    for (const close of closing.reverse()) {
      // What cannot be closed goes with the process; the rest is closed all the same.
      await close().catch((error: unknown) => options.log(`while closing: ${toErrorRecord(error).message}`));
    }
  }
}

async function openAndWork(
  { stateDirectory, environment, idleMs, stop, log }: RunWorkerOptions,
  closing: (() => Promise<void>)[],
  isIdle: () => boolean,
): Promise<"stopped" | "idle"> {
  const clock = systemClock;
  const workerId = `${hostname()}-${process.pid}-${randomText(5)}`;
  const state = await openState({ stateDirectory, environment, clock, log, poolSize: POOL_SIZE });
  closing.push(() => state.close({ stopServer: isIdle() }));
  const { connectionString, pool } = state;
  const notifications = await openNotifications(connectionString, clock);
  closing.push(() => notifications.close());
  const registration = await registerWorker(connectionString, workerId);
  closing.push(() => registration.leave());
  const reaper = openReaper(connectionString, workerId);
  closing.push(() => reaper.close());
  const engine = openDbosEngine({ connectionString, workerId, log });
  closing.push(() => engine.close());
  const reminders = openReminders({ pool, clock, environment, log });
  closing.push(() => reminders.close());
  const traces = openTraces({ pool, clock, environment, log });
  closing.push(() => traces.close());
  const ended = await work({
    engine,
    peers: {
      reapDead: (takeOver) => reaper.reap(takeOver),
      findSilent: (expiryMs) => findSilentWorkers(pool, workerId, expiryMs),
      leave: () => registration.leave(),
      join: () => registration.join(),
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
      calendar: openRunCalendar(pool, clock),
      probe,
      anchor: (runId, signal) => anchorHead(pool, clock, runId, signal),
      patienceMs: END_STATE_PATIENCE_MS,
      secondRollbackMs: SECOND_ROLLBACK_MS,
      log,
    },
    stop: AbortSignal.any([stop, registration.lost]),
    idleMs,
  });
  if (registration.lost.aborted && !stop.aborted)
    throw new TminusError("STATE_UNAVAILABLE", "this worker lost the connection that proves it alive");
  return ended;
}
