import type { Clock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration.ts";

/** How often people are told. */
const EVERY_MS = 1_000;

/** Says how far a piece of work is, and how long it will take: "rows copied: 412 of 1,471 MB, about 4 s left". */
export function trackBytes(
  what: string,
  total: number,
  clock: Clock,
  say: (text: string) => void,
): (bytes: number) => void {
  const startedMs = clock.monotonicMs();
  let saidMs = startedMs;
  let done = 0;
  return (bytes) => {
    done += bytes;
    const nowMs = clock.monotonicMs();
    if (nowMs - saidMs < EVERY_MS || done === 0) return;
    saidMs = nowMs;
    const leftMs = ((nowMs - startedMs) / done) * Math.max(0, total - done);
    say(`${what}: ${megabytes(done)} of ${megabytes(total)} MB, about ${formatDuration(leftMs)} left`);
  };
}

function megabytes(bytes: number): string {
  return Math.round(bytes / 1024 ** 2).toLocaleString("en");
}
