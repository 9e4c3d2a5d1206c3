import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";

/** Whose CPU and memory. */
export type Subject =
  | { of: "machine" }
  /** The process whose number the file holds, without those that it started. */
  | { of: "process"; pidFile: string }
  /** A control group of version 2 with everything in it: its path below the mount point. */
  | { of: "cgroup"; path: string };

/** What the system says of a subject at one moment. */
export interface Usage {
  /** Changes when another one has taken the subject's place: the two cannot be compared. */
  identity: string;
  /** Used so far. */
  cpuSeconds: number;
  /** How many CPUs it may use. */
  cpuCapacity: number;
  memoryBytes: number;
  memoryCapacity: number;
}

/** `absent` says why there is no such subject. */
export type Looked = { usage: Usage } | { absent: string };

/** Where the system tells of itself. */
export interface Mounts {
  proc: string;
  cgroups: string;
}

/** Linux tells CPU times to programs in hundredths of a second, whatever its own ticks are (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Errors: of the file system, but a subject that is not there is an answer. */
export function readUsage(subject: Subject, { proc, cgroups }: Mounts): Looked {
  switch (subject.of) {
    case "machine":
      return { usage: ofMachine(proc) };
    case "process":
      return ofProcess(subject.pidFile, proc);
    case "cgroup":
      return ofCgroup(join(cgroups, subject.path));
  }
}

/** How many run or wait to run, on average of the last minute. */
export function readLoad(proc: string): number {
  return Number(readFileSync(join(proc, "loadavg"), "utf8").split(" ")[0]);
}

/** proc(5): user nice system idle iowait irq softirq steal; what guests use is part of user and nice. */
function ofMachine(proc: string): Usage {
  const [line = ""] = readFileSync(join(proc, "stat"), "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const memory = kilobytesOf(readFileSync(join(proc, "meminfo"), "utf8"));
  const total = (memory.MemTotal ?? NaN) * 1024;
  return {
    identity: "machine",
    cpuSeconds: (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND,
    cpuCapacity: cpus().length,
    memoryBytes: total - (memory.MemAvailable ?? NaN) * 1024,
    memoryCapacity: total,
  };
}

function ofProcess(pidFile: string, proc: string): Looked {
  const written = readIfThere(pidFile);
  if (written === undefined) return { absent: `there is no file ${pidFile}` };
  const pid = written.trim();
  if (!/^[1-9]\d*$/.test(pid)) return { absent: `${pidFile} holds no process number` };
  const stat = readIfThere(join(proc, pid, "stat"));
  const status = readIfThere(join(proc, pid, "status"));
  // The name stands in parentheses and may hold anything; the state follows, as the third field.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  if (stat === undefined || status === undefined || fields[0] === "Z")
    return { absent: `no process ${pid} is running` };
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    usage: {
      identity: `${pid} ${field(22)}`,
      cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
      cpuCapacity: cpus().length,
      memoryBytes: (kilobytesOf(status).VmRSS ?? NaN) * 1024,
      memoryCapacity: totalmem(),
    },
  };
}

/** https://docs.kernel.org/admin-guide/cgroup-v2.html. File pages that can be dropped at any time are not counted. */
function ofCgroup(folder: string): Looked {
  const file = (name: string): string | undefined => readIfThere(join(folder, name));
  const [cpu, current, stat] = [file("cpu.stat"), file("memory.current"), file("memory.stat")];
  if (cpu === undefined) return { absent: `there is no control group of version 2 at ${folder}` };
  if (current === undefined || stat === undefined)
    return { absent: `the control group at ${folder} does not account for memory` };
  const [quota = "max", period = "100000"] = (file("cpu.max") ?? "max").trim().split(" ");
  const limit = (file("memory.max") ?? "max").trim();
  return {
    usage: {
      identity: folder,
      cpuSeconds: numbersOf(cpu).usage_usec! / 1e6,
      cpuCapacity: quota === "max" ? cpus().length : Number(quota) / Number(period),
      memoryBytes: Number(current) - (numbersOf(stat).inactive_file ?? 0),
      memoryCapacity: limit === "max" ? totalmem() : Number(limit),
    },
  };
}

/** "MemTotal:  123 kB" */
function kilobytesOf(text: string): Partial<Record<string, number>> {
  const lines = text.matchAll(/^(\w+):\s+(\d+) kB$/gm);
  return Object.fromEntries([...lines].map(([, name, number]) => [name, Number(number)]));
}

/** "usage_usec 123" */
function numbersOf(text: string): Partial<Record<string, number>> {
  const lines = text.matchAll(/^(\w+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, name, number]) => [name, Number(number)]));
}

/** ESRCH: the process ended while it was read. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ESRCH") return undefined;
    throw error;
  }
}
