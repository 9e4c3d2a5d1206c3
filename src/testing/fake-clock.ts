import { systemClock, type Clock } from "../lib/clock.ts";

/** A clock that stands still until it is told otherwise. */
export interface FakeClock extends Clock {
  /** Moves the time on and wakes every sleeper whose time has come, in order. */
  advance(ms: number): void;
  /** Sets the wall clock on, or back when negative; no time passes, and nobody wakes. */
  step(ms: number): void;
  /** How many are asleep. */
  sleepers(): number;
}

export interface FakeClockOptions {
  /** Wall-clock time at first. */
  start?: Date;
  /** Every sleep moves the time on by itself and ends at once: for code that only sleeps, and races nothing. */
  autoAdvance?: boolean;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

/** A clock for tests; durations cost no time. */
export function createFakeClock(options: FakeClockOptions = {}): FakeClock {
  const start = options.start ?? new Date("2026-01-05T10:00:00.000Z");
  let elapsed = 0;
  let stepped = 0;
  const sleepers = new Set<Sleeper>();

  const advance = (ms: number): void => {
    elapsed += ms;
    const due = [...sleepers].filter((sleeper) => sleeper.at <= elapsed).sort((a, b) => a.at - b.at);
    for (const sleeper of due) {
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };

  return {
    now: () => new Date(start.getTime() + elapsed + stepped),
    monotonicMs: () => elapsed,
    advance,
    step: (ms) => (stepped += ms),
    sleepers: () => sleepers.size,
    sleep: (ms, signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      if (options.autoAdvance === true) {
        advance(ms);
        return Promise.resolve();
      }
      if (ms <= 0) return systemClock.sleep(0, signal);
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          at: elapsed + ms,
          wake: () => {
            signal?.removeEventListener("abort", stop);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
