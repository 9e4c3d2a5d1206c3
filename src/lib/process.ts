import { spawn, type ChildProcess } from "node:child_process";
import { openSync, closeSync, readFileSync } from "node:fs";
import type { Server } from "node:net";
import { deadline, systemClock } from "./clock.ts";

/** The only room that starts processes. Commands are argument lists; nothing is ever passed to a shell. */

export interface RunOptions {
  cwd?: string;
  /** Complete environment when given; the caller decides what of its own it passes on. */
  env?: Record<string, string>;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Receives output as it comes, both streams interleaved. */
  onOutput?: (chunk: string, stream: "stdout" | "stderr") => void;
  /** How much of the output is kept, from its end. */
  maxOutputBytes?: number;
  /** Runs as another user; only root may. Supplementary groups are dropped. */
  uid?: number;
  gid?: number;
}

export interface RunResult {
  /** Undefined when the process did not end by itself. */
  exitCode: number | undefined;
  signalName: string | undefined;
  timedOut: boolean;
  aborted: boolean;
  /** Set when the process could not be started at all (no such file, no permission). */
  startError: string | undefined;
  /** Both streams interleaved, the last maxOutputBytes. */
  output: string;
  durationMs: number;
}

/**
 * Runs a command to its end, with everything that it starts: on timeout or abort its whole process group gets
 * SIGTERM and, after a grace, SIGKILL. Never throws for what the command does; see the result.
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError("argv is empty");
  const startedMs = systemClock.monotonicMs();
  const limit = options.maxOutputBytes ?? 256 * 1024;
  let output = "";
  const child = spawn(file, args, {
    detached: true, // a process group of its own
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  for (const name of ["stdout", "stderr"] as const) {
    const stream = child[name];
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      options.onOutput?.(chunk, name);
      output = (output + chunk).slice(-limit);
    });
  }
  const ending = new AbortController();
  const interrupted = deadline(options.timeoutMs, options.signal);
  const ended = waitForEnd(child);
  const stopping = endGroupWhen(interrupted, child, ended, ending.signal);
  const end = await Promise.race([ended, stopping.then(() => GIVEN_UP)]);
  const wasInterrupted = interrupted.aborted;
  ending.abort(new Error("ended"));
  await stopping;
  await drained(child);
  return {
    exitCode: end.exitCode,
    signalName: end.signalName,
    timedOut: wasInterrupted && options.signal?.aborted !== true,
    aborted: wasInterrupted && options.signal?.aborted === true,
    startError: end.startError,
    output,
    durationMs: systemClock.monotonicMs() - startedMs,
  };
}

const GROUP_GRACE_MS = 5_000;
const DRAIN_MS = 500;
/** Not even SIGKILL ended it: it runs as another user, or hangs in the kernel. */
const GIVEN_UP = { exitCode: undefined, signalName: undefined, startError: undefined };

interface CommandEnd {
  exitCode: number | undefined;
  signalName: string | undefined;
  startError: string | undefined;
}

function waitForEnd(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({ exitCode: undefined, signalName: undefined, startError: error.message }),
    );
    child.once("exit", (code, signal) =>
      resolve({ exitCode: code ?? undefined, signalName: signal ?? undefined, startError: undefined }),
    );
  });
}

async function endGroupWhen(
  interrupted: AbortSignal,
  child: ChildProcess,
  ended: Promise<CommandEnd>,
  ending: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve) => {
    if (interrupted.aborted || ending.aborted) return resolve();
    interrupted.addEventListener("abort", () => resolve(), { once: true });
    ending.addEventListener("abort", () => resolve(), { once: true });
  });
  if (!interrupted.aborted) return;
  signalGroup(child, "SIGTERM");
  await Promise.race([ended, systemClock.sleep(GROUP_GRACE_MS, ending).catch(() => undefined)]);
  signalGroup(child, "SIGKILL"); // also what the command left behind when it ended by itself
  await Promise.race([ended, systemClock.sleep(GROUP_GRACE_MS, ending).catch(() => undefined)]);
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // EPERM: it runs as another user by now (sudo). What cannot be ended is given up by endGroupWhen.
    if (codeOf(error) !== "ESRCH" && codeOf(error) !== "EPERM") throw error;
  }
}

/** Waits for the last output, but not for a background process that keeps the pipes open. */
async function drained({ stdout, stderr }: ChildProcess): Promise<void> {
  const over = new AbortController();
  const closed = Promise.all(
    [stdout, stderr].map(
      (stream) =>
        new Promise<void>((resolve) =>
          stream === null || stream.closed ? resolve() : stream.once("close", () => resolve()),
        ),
    ),
  );
  await Promise.race([closed, systemClock.sleep(DRAIN_MS, over.signal).catch(() => undefined)]);
  over.abort(new Error("drained"));
  stdout?.destroy();
  stderr?.destroy();
}

/** A process that can be told from a later one with the same number: pid and start time. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; from /proc where there is one, else empty, and then only the pid is compared. */
  startedAt: string;
}

export interface DetachedOptions {
  cwd?: string;
  env: Record<string, string>;
  /** Both streams are appended to this file. */
  logFile: string;
  uid?: number;
  gid?: number;
}

/** Starts a process in a session of its own, which outlives this one. */
export async function spawnDetached(
  argv: readonly string[],
  options: DetachedOptions,
): Promise<ProcessIdentity> {
  return identityOf(startDetached(argv, options));
}

/**
 * As spawnDetached, for a process that takes over a listening socket: each message that it sends (`process.send`) is
 * answered with an empty one and the server that `lend` gives for it. Both processes then accept from one queue, so
 * closing the server in this one resets no connection. The process ends the channel with `process.disconnect`.
 */
export async function spawnSharing(
  argv: readonly string[],
  options: DetachedOptions,
  lend: (message: unknown) => Server | undefined,
): Promise<ProcessIdentity> {
  const child = startDetached(argv, options, ["ipc"]);
  child.on("message", (message) => {
    // it cannot be sent to a process that has ended, and there is nobody to tell of that
    child.send({}, lend(message), () => undefined);
  });
  child.channel?.unref();
  return identityOf(child);
}

function startDetached(
  argv: readonly string[],
  options: DetachedOptions,
  channels: readonly "ipc"[] = [],
): ChildProcess {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError("argv is empty");
  const log = openSync(options.logFile, "a", 0o600);
  try {
    return spawn(file, args, {
      detached: true,
      stdio: ["ignore", log, log, ...channels],
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
  } finally {
    closeSync(log);
  }
}

async function identityOf(child: ChildProcess): Promise<ProcessIdentity> {
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => resolve(child.pid!));
  });
  child.unref();
  return { pid, startedAt: startTimeOf(pid) ?? "" };
}

/** The identity of a running process, or undefined when there is none with this pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!hasProcess(pid)) return undefined;
  return { pid, startedAt: startTimeOf(pid) ?? "" };
}

/** Whether this very process still runs; a zombie does not count, nor a later process with the same pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (!hasProcess(identity.pid)) return false;
  const startedAt = startTimeOf(identity.pid);
  return identity.startedAt === "" || startedAt === undefined || startedAt === identity.startedAt;
}

/** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone; safe to repeat. */
export async function terminate(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (!isAlive(identity)) return;
  sendSignal(identity, "SIGTERM");
  const until = systemClock.monotonicMs() + graceMs;
  while (isAlive(identity)) {
    if (systemClock.monotonicMs() > until) sendSignal(identity, "SIGKILL");
    await systemClock.sleep(20);
  }
}

/** Sends a signal if this very process still runs. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

function hasProcess(pid: number): boolean {
  const state = procStat(pid)?.[0];
  if (state !== undefined) return state !== "Z" && state !== "X";
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function startTimeOf(pid: number): string | undefined {
  return procStat(pid)?.[19];
}

/** The fields of /proc/<pid>/stat after the command name (which may hold spaces), state first; see proc(5). */
function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // no such process, or no /proc on this system: kill(0) answers then
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
