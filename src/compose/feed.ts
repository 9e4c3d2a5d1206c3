import { deadline, whenAborted, type Clock } from "../lib/clock.ts";
import type { RunEvent } from "../model/run.ts";
import type { Notifications } from "../store/notifications.ts";
import type { Pool } from "../store/pool.ts";
import { listEvents, listEventsSince } from "../store/runs.ts";

/** How often all is looked at again, for notifications that were lost with a connection. */
const SWEEP_MS = 10_000;
/** An event has its time before it is there for others: nothing takes longer than this to be written down. */
const OVERLAP_MS = 10_000;

export interface FeedPlace {
  project: string;
  pool: Pool;
  notifications: Notifications;
  clock: Clock;
}

/**
 * The events of all runs of a project that are written from now on, and with `since` also those from a little before that
 * instant: a reader who was away misses none, and gets some again, which their sequence tells. Those of one run come in
 * order, each once. Ends when `signal` aborts.
 */
export async function* followAll(
  { project, pool, notifications, clock }: FeedPlace,
  since: Date | undefined,
  signal: AbortSignal,
): AsyncGenerator<RunEvent> {
  const seen = new Map<string, number>();
  const changed = new Set<string>();
  let wake: () => void = () => undefined;
  const unsubscribe = notifications.subscribe("tminus_event", (runId) => {
    changed.add(runId);
    wake();
  });
  const before = (at: Date): Date => new Date(at.getTime() - OVERLAP_MS);
  let from = since === undefined ? clock.now() : before(since);
  const sweep = async (): Promise<RunEvent[]> => {
    const now = clock.now();
    const found = await listEventsSince(pool, project, from);
    from = before(now);
    return found;
  };
  const news = async (): Promise<RunEvent[]> => {
    const runIds = [...changed];
    changed.clear();
    // A run that was not heard of yet, or an empty payload: something may have been missed.
    if (runIds.length === 0 || runIds.some((runId) => !seen.has(runId))) return sweep();
    const found = await Promise.all(runIds.map((runId) => listEvents(pool, runId, seen.get(runId)!)));
    return found.flat();
  };
  try {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      for (const event of await news()) {
        if (event.sequence <= (seen.get(event.runId) ?? 0)) continue;
        seen.set(event.runId, event.sequence);
        yield event;
      }
      if (changed.size === 0) await Promise.race([woken, whenAborted(deadline(SWEEP_MS, signal))]);
    }
  } finally {
    unsubscribe();
  }
}
