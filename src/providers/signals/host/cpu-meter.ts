import type { Clock } from "../../../lib/clock.ts";
import type { Looked, Usage } from "./usage.ts";

/** `percent` of what the subject may use, on average between the two readings, the later of which was at `atMs`. */
export type CpuShare = { percent: number; atMs: number } | { absent: string };

/** Both in ms. What is shorter than the first says little; longer than the second is not "now". */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 120_000;

interface Reading {
  usage: Usage;
  monotonicMs: number;
}

/**
 * CPU use is what was used between two readings: since the question before, or over a second after the first one.
 * Questions that follow one another closely get the same answer.
 */
export function cpuMeter(read: () => Looked, clock: Clock): (signal: AbortSignal) => Promise<CpuShare> {
  let last: Reading | undefined;
  let share: CpuShare | undefined;
  return async (signal) => {
    signal.throwIfAborted();
    for (;;) {
      const looked = read();
      if ("absent" in looked) {
        last = share = undefined;
        return looked;
      }
      const reading = { usage: looked.usage, monotonicMs: clock.monotonicMs() };
      const gapMs = last === undefined ? Infinity : reading.monotonicMs - last.monotonicMs;
      if (last === undefined || last.usage.identity !== reading.usage.identity || gapMs > LONGEST_MS) {
        last = reading;
        share = undefined;
      } else if (gapMs >= SHORTEST_MS) {
        share = { percent: percentOf(last.usage, reading.usage, gapMs), atMs: clock.now().getTime() };
        last = reading;
      }
      if (share !== undefined) return share;
      await clock.sleep(SHORTEST_MS - (reading.monotonicMs - last.monotonicMs), signal);
    }
  };
}

/** Never above 100: the readings of used time and of time itself are not made at the very same moment. */
function percentOf(before: Usage, after: Usage, gapMs: number): number {
  const used = after.cpuSeconds - before.cpuSeconds;
  return Math.min(100, Math.max(0, (100_000 * used) / (gapMs * after.cpuCapacity)));
}
