import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second for user programs, on every architecture; see proc(5). */
const MICROS_PER_TICK = 10_000;

/** CPU time that a process has used so far, user and system, all threads, in microseconds. Needs /proc. */
export function cpuMicros(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before may hold spaces and brackets; utime and stime are fields 14 and 15, counted from 1.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
}
