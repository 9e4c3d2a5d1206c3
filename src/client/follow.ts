import { TminusError, hasCode } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { RunEvent } from "../model/run.ts";
import type { EventResource } from "../server/contract/run.ts";
import type { Connection } from "./connection.ts";
import { eventOf } from "./revive.ts";
import { runPath } from "./run-path.ts";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 4000;
/** For how long a server that does not answer is asked again, from the first try that failed. */
const PATIENCE_MS = 120_000;

export interface FollowPorts {
  connection: Connection;
  clock: Clock;
  /** Told when the server is lost and found again. */
  log(line: string): void;
}

/**
 * See Tminus.follow: each event of the run once and in order, however often the connection breaks. The stream of all runs
 * says that something happened; what it does not carry on from the last event is read.
 * Errors: SERVER_SILENT after two minutes without an answer.
 */
export async function* followRun(
  { connection, clock, log }: FollowPorts,
  runId: string,
  after: number,
  signal: AbortSignal,
): AsyncIterable<RunEvent> {
  let last = after;
  let waitMs = FIRST_WAIT_MS;
  let lostAtMs: number | undefined;
  const eventsAfter = async (): Promise<EventResource[]> => {
    const path = `${runPath(runId)}/events?after=${last}`;
    return (await connection.get<{ events: EventResource[] }>(path, signal)).events;
  };
  while (!signal.aborted) {
    try {
      let isBehind = true;
      for await (const part of connection.stream("/events", { signal })) {
        waitMs = FIRST_WAIT_MS;
        if (lostAtMs !== undefined) log("the server answers again");
        lostAtMs = undefined;
        const told = part.kind === "message" ? (JSON.parse(part.data) as EventResource) : undefined;
        const isNext = told?.runId === runId && told.sequence === last + 1;
        const isFurther = told?.runId === runId && told.sequence > last + 1;
        // What happened before the stream was open is read once it is: nothing falls in between.
        const fresh = isBehind || isFurther ? await eventsAfter() : isNext ? [told] : [];
        isBehind = false;
        for (const event of fresh) {
          last = event.sequence;
          yield eventOf(event);
          if (event.type === "run.ended") return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!hasCode(error, "SERVER_SILENT", "STATE_UNAVAILABLE", "RATE_LIMITED")) throw error;
      if (lostAtMs !== undefined && clock.monotonicMs() - lostAtMs > PATIENCE_MS)
        throw new TminusError("SERVER_SILENT", "the server has not answered for two minutes", {
          hint: `The run goes on without being watched. Look again: tminus watch ${runId}`,
          cause: error,
        });
    }
    if (lostAtMs === undefined) log("the server does not answer; the run goes on, and it is asked again");
    lostAtMs ??= clock.monotonicMs();
    await clock.sleep(waitMs, signal).catch(() => undefined); // aborted: the loop ends
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}
