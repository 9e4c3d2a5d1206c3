/** The only place that reads the time or waits. Everything else takes a Clock. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date;
  /** Milliseconds from an arbitrary start; never goes back. For measuring durations inside one process. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    let left = ms;
    for (; left > LONGEST_TIMER_MS; left -= LONGEST_TIMER_MS) await sleepOnce(LONGEST_TIMER_MS, signal);
    await sleepOnce(left, signal);
  },
};

/** A timer that is set to more fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Resolves when the signal aborts, at once when it has: an aborted signal fires no event any more. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Calls `task` every `ms` until the returned function is called. `task` must not throw. */
export function every(ms: number, task: () => void): () => void {
  const timer = setInterval(task, ms);
  return () => clearInterval(timer);
}

/** A signal that aborts after `ms` or with `parent`, whichever comes first. Keeps no process alive. */
export function deadline(ms: number, parent?: AbortSignal): AbortSignal {
  const timeout = ms <= LONGEST_TIMER_MS ? AbortSignal.timeout(ms) : longTimeout(ms);
  return parent === undefined ? timeout : AbortSignal.any([parent, timeout]);
}

function longTimeout(ms: number): AbortSignal {
  const over = new AbortController();
  const arm = (leftMs: number): void => {
    const nextMs = Math.min(leftMs, LONGEST_TIMER_MS);
    const rearm = (): void =>
      leftMs > nextMs
        ? arm(leftMs - nextMs)
        : over.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    setTimeout(rearm, nextMs).unref();
  };
  arm(ms);
  return over.signal;
}
