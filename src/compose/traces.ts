import { toErrorRecord } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import type { TraceExporter } from "../providers/traces/otlp.ts";
import type { Pool } from "../store/pool.ts";
import { allEvents, findRun } from "../store/runs.ts";
import { claimTrace, markExported, tryTraceAgain, type ClaimedTrace } from "../store/traces.ts";
import type { Environment } from "./secrets.ts";

/** How often a worker looks for runs that have ended. */
const LOOK_EVERY_MS = 2_000;
const SEND_LIMIT_MS = 10_000;
/** How long one worker has what it took: longer than its sending. */
const CLAIM_MS = 3 * SEND_LIMIT_MS;
/** From try to try twice as long. */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 60 * 60_000;
/** After the end of a run, its trace is given up. */
const GIVE_UP_MS = 24 * 60 * 60_000;

export interface TracePorts {
  pool: Pool;
  clock: Clock;
  environment: Environment;
  log: (line: string) => void;
}

/** Whether the standard variables of OpenTelemetry name a collector. */
export function wantsTraces(environment: Environment): boolean {
  const isNamed = [
    environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    environment.OTEL_EXPORTER_OTLP_ENDPOINT,
  ].some((endpoint) => endpoint !== undefined && endpoint.trim() !== "");
  return (
    isNamed &&
    environment.OTEL_SDK_DISABLED?.trim().toLowerCase() !== "true" &&
    environment.OTEL_TRACES_EXPORTER?.trim().toLowerCase() !== "none"
  );
}

/**
 * Exports runs of the last day that have ended and were not exported yet, from now on until it is closed: also those of a
 * worker that died before. Holds nobody up: what could not be sent is for the next try, by whichever worker is there.
 */
export function openTraces(ports: TracePorts): { close(): Promise<void> } {
  if (!wantsTraces(ports.environment)) return { close: async () => undefined };
  const closing = new AbortController();
  const loop = async (): Promise<void> => {
    const { openTraceExporter } = await import("../providers/traces/otlp.ts");
    const exporter = openTraceExporter(SEND_LIMIT_MS);
    while (!closing.signal.aborted) {
      await exportEnded(ports, exporter, closing.signal).catch((error: unknown) => {
        if (!closing.signal.aborted) ports.log(`traces: ${toErrorRecord(error).message}`);
      });
      await ports.clock.sleep(LOOK_EVERY_MS, closing.signal).catch(() => undefined); // closed: the loop ends
    }
  };
  const running = loop().catch((error: unknown) => ports.log(`traces: ${toErrorRecord(error).message}`));
  return {
    async close() {
      closing.abort(new Error("the worker ends"));
      await running;
    },
  };
}

/** One round: takes for this worker alone what is to be exported now, one after the other, until there is nothing. */
export async function exportEnded(
  ports: TracePorts,
  exporter: TraceExporter,
  signal: AbortSignal,
): Promise<void> {
  const { pool, clock } = ports;
  while (!signal.aborted) {
    const now = clock.now();
    const claimed = await claimTrace(pool, now, new Date(now.getTime() - GIVE_UP_MS), CLAIM_MS);
    if (claimed === undefined) return;
    await send(ports, exporter, claimed, signal);
  }
}

async function send(
  { pool, clock, log }: TracePorts,
  exporter: TraceExporter,
  { runId, tries }: ClaimedTrace,
  signal: AbortSignal,
): Promise<void> {
  let endedAt: Date | undefined;
  try {
    const run = await findRun(pool, runId);
    endedAt = run.endedAt;
    await exporter.export(run, await allEvents(pool, runId, 0), signal);
    await markExported(pool, runId, clock.now());
  } catch (error) {
    if (signal.aborted) return tryTraceAgain(pool, runId, clock.now()); // the next worker does
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 20));
    const again = new Date(clock.now().getTime() + pauseMs);
    const isOver = again.getTime() > (endedAt ?? again).getTime() + GIVE_UP_MS;
    const next = isOver ? "it is given up" : `tried again in ${formatDuration(pauseMs)}`;
    log(`trace of run ${runId}: ${toErrorRecord(error).message}; ${next}`);
    await tryTraceAgain(pool, runId, again);
  }
}
