import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/lib/clock.ts";

export interface RunningProcess {
  pid: number;
  /** Arguments, joined by spaces. */
  command: string;
}

/** Every process of this machine with its arguments; those that end meanwhile are left out. */
export function runningProcesses(): RunningProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return command === "" ? [] : [{ pid: Number(name), command }];
    } catch {
      return []; // it has ended
    }
  });
}

/** Processes whose arguments name this text, such as a folder. */
export function processesNaming(text: string): RunningProcess[] {
  return runningProcesses().filter(({ command }) => command.includes(text));
}

/** Asks until the answer is true; fails with `what` after `timeoutMs`. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const giveUpMs = systemClock.monotonicMs() + timeoutMs;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > giveUpMs) throw new Error(`it never came to be that ${what}`);
    await systemClock.sleep(20);
  }
}
