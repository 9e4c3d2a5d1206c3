import type { Clock } from "../lib/clock.ts";
import type { Journal } from "../model/journal.ts";
import type { Signal } from "../model/signal.ts";

/** How often signals are read even without a notification, which a lost connection may have swallowed. */
const POLL_MS = 1000;

/** What people have told a run so far. Signals are folded from the start each time, so a restart forgets nothing. */
export interface Control {
  /** The first abort or rollback, if any. */
  stopRequest(): Signal | undefined;
  isHeld(): boolean;
  /** The last hold, when held. */
  holdRequest(): Signal | undefined;
  /** Aborts when an abort or rollback arrives. */
  readonly stopped: AbortSignal;
  all(): readonly Signal[];
  /** Resolves when something new has arrived, or rejects with `signal`. */
  changed(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function openControl(runId: string, journal: Journal, clock: Clock): Promise<Control> {
  let signals = await journal.signals(runId);
  const waiters = new Set<() => void>();
  const stopping = new AbortController();
  const closing = new AbortController();
  const isStop = (signal: Signal): boolean => signal.body.kind === "abort" || signal.body.kind === "rollback";
  let reading: Promise<void> | undefined;
  let isStale = false;

  const read = async (): Promise<void> => {
    const latest = await journal.signals(runId);
    if (latest.length === signals.length) return;
    signals = latest;
    abortIfStopped();
    for (const wake of waiters) wake();
  };
  /** What arrives during a read may have been too late for it: then it is read once more. */
  const readWhileStale = async (): Promise<void> => {
    while (isStale && !closing.signal.aborted) {
      isStale = false;
      await read();
    }
  };
  const refresh = (): void => {
    isStale = true;
    // A failed read is repeated by the next poll; the journal's own writes report a lost database.
    reading ??= readWhileStale()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined;
      });
  };
  function abortIfStopped(): void {
    const request = signals.find(isStop);
    if (request !== undefined)
      stopping.abort(new Error(`${request.body.kind} requested by ${request.actor}`));
  }

  abortIfStopped();
  const unsubscribe = journal.onSignal(runId, refresh);
  const polling = (async () => {
    while (!closing.signal.aborted) {
      await clock.sleep(POLL_MS, closing.signal);
      refresh();
    }
  })().catch(() => undefined); // ends by the close below

  const lastHold = (): Signal | undefined =>
    signals.findLast(({ body }) => body.kind === "hold" || body.kind === "resume");
  return {
    stopRequest: () => signals.find(isStop),
    isHeld: () => lastHold()?.body.kind === "hold",
    holdRequest: () => (lastHold()?.body.kind === "hold" ? lastHold() : undefined),
    stopped: stopping.signal,
    all: () => signals,
    changed: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const stop = (): void => {
          waiters.delete(wake);
          reject(signal.reason as Error);
        };
        const wake = (): void => {
          waiters.delete(wake);
          signal.removeEventListener("abort", stop);
          resolve();
        };
        signal.addEventListener("abort", stop, { once: true });
        waiters.add(wake);
      }),
    async close() {
      unsubscribe();
      closing.abort(new Error("closed"));
      await polling;
      await reading;
    },
  };
}

/** Signals that answer one step, oldest first, then new ones as they come. Throws the signal's reason when it aborts. */
export async function* inboxOf(
  control: Control,
  stepId: string,
  signal: AbortSignal,
): AsyncGenerator<Signal> {
  let seen = 0;
  for (;;) {
    const signals = control.all();
    for (; seen < signals.length; seen++) {
      const { body } = signals[seen]!;
      if ("stepId" in body && body.stepId === stepId) yield signals[seen]!;
    }
    if (seen === control.all().length) await control.changed(signal);
  }
}
