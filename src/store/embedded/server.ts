import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { deadline, type Clock } from "../../lib/clock.ts";
import { identify, isAlive, sendSignal, spawnDetached, type ProcessIdentity } from "../../lib/process.ts";
import { serverEnvironment } from "./data-folder.ts";
import { askServer } from "./database.ts";
import { POSTMASTER_FILE, readPostmasterFile } from "./postmaster-file.ts";
import { processUser, type ServerAccount } from "./server-account.ts";
import { clusterName, isServerProcess, isUnrelated, serverProcesses } from "./server-processes.ts";
import { SOCKET_PORT } from "./socket-folder.ts";
import { unavailable } from "./unavailable.ts";

const START_TIMEOUT_MS = 120_000;
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 15_000;
const ORPHAN_STOP_MS = 10_000;
const POLL_MS = 10;
const MAX_LOG_BYTES = 1024 * 1024;

export interface Waiting {
  clock: Clock;
  signal?: AbortSignal | undefined;
}

export interface RunningServer {
  postmaster: ProcessIdentity;
  socketDirectory: string;
}

export interface StartOptions extends Waiting {
  postgres: string;
  data: string;
  socketDirectory: string;
  logFile: string;
  account: ServerAccount;
  settings: Record<string, string>;
}

/**
 * The server of this data folder, if there is one that takes connections; waits for one that is just starting
 * or stopping. Undefined when there is none. Errors: STATE_UNAVAILABLE.
 */
export async function findServer(data: string, waiting: Waiting): Promise<RunningServer | undefined> {
  const until = waiting.clock.monotonicMs() + START_TIMEOUT_MS;
  while (waiting.clock.monotonicMs() < until) {
    const file = readPostmasterFile(data);
    if (file === undefined) return undefined;
    const found = await askFor(data, file.socketDirectory);
    if (found !== undefined) {
      const postmaster = identify(file.pid);
      if (postmaster !== undefined) return { postmaster, socketDirectory: found };
    } else if (!(await isServerProcess(file.pid, data))) {
      return undefined;
    }
    await waiting.clock.sleep(POLL_MS, waiting.signal);
  }
  throw unavailable("the database server neither started nor stopped in time", {
    data,
    timeoutMs: START_TIMEOUT_MS,
  });
}

/**
 * Starts the server, which outlives this process, and waits until it takes connections. Only one process at
 * a time may call this for one data folder. What a killed server left is cleared away first.
 * Errors: STATE_UNAVAILABLE with the end of the server's log; then nothing that was started is left running.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  await clearLeftovers(options.data, options);
  rotate(options.logFile);
  const postmaster = await spawnServer(options);
  try {
    return await awaitReady(postmaster, options);
  } catch (error) {
    await endProcess(postmaster, ["SIGINT", "SIGQUIT"], { clock: options.clock });
    throw error;
  }
}

/** Stops the server of this data folder and waits until it is gone; false when there was none. Errors: STATE_UNAVAILABLE. */
export async function stopServer(data: string, waiting: Waiting): Promise<boolean> {
  const file = readPostmasterFile(data);
  const postmaster = file === undefined ? undefined : identify(file.pid);
  if (postmaster === undefined || !(await isServerProcess(postmaster.pid, data))) return false;
  await endProcess(postmaster, ["SIGINT", "SIGQUIT"], waiting);
  return true;
}

async function askFor(data: string, socketDirectory: string | undefined): Promise<string | undefined> {
  if (socketDirectory === undefined) return undefined;
  const answer = await askServer(socketDirectory);
  return answer.state === "ready" && answer.data === data ? socketDirectory : undefined;
}

async function spawnServer(options: StartOptions): Promise<ProcessIdentity> {
  const { postgres, data, socketDirectory, logFile, account } = options;
  const own = { unix_socket_directories: socketDirectory, cluster_name: clusterName(data) };
  const settings = { ...SETTINGS, ...options.settings, ...own };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  try {
    return await spawnDetached([postgres, "-D", data, ...flags], {
      cwd: "/",
      env: serverEnvironment(),
      logFile,
      ...processUser(account),
    });
  } catch (error) {
    throw unavailable(
      `${postgres} could not be started: ${String(error)}`,
      { postgres, account: account.uid },
      { cause: error },
    );
  }
}

/** Quick to start and small, but never at the price of a committed row. Statements are kept out of the log: they can hold secrets. */
const SETTINGS: Record<string, string> = {
  listen_addresses: "",
  port: String(SOCKET_PORT),
  unix_socket_permissions: "0700",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  max_connections: "60",
  shared_buffers: "32MB",
  min_wal_size: "32MB",
  max_wal_size: "256MB",
  huge_pages: "off",
  io_method: "sync",
  jit: "off",
  client_connection_check_interval: "5s",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
  log_checkpoints: "off",
  log_error_verbosity: "terse",
  log_min_error_statement: "panic",
};

async function awaitReady(postmaster: ProcessIdentity, options: StartOptions): Promise<RunningServer> {
  const { data, clock, signal, logFile } = options;
  const until = deadline(START_TIMEOUT_MS, signal);
  for (;;) {
    const file = readPostmasterFile(data);
    const socketDirectory = file === undefined ? undefined : await askFor(data, file.socketDirectory);
    const answering = file === undefined ? undefined : identify(file.pid);
    if (socketDirectory !== undefined && answering !== undefined)
      return { postmaster: answering, socketDirectory };
    // Another one may have been started by a process that was killed right after: then ours gives way to it.
    const other =
      file !== undefined && file.pid !== postmaster.pid && (await isServerProcess(file.pid, data));
    if (!isAlive(postmaster) && !other) {
      throw unavailable("the database server ended while starting", { data, logFile, log: tail(logFile) });
    }
    signal?.throwIfAborted();
    if (until.aborted) {
      throw unavailable("the database server did not start in time", { data, logFile, log: tail(logFile) });
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/**
 * Ends children that outlived a killed postmaster, and removes its lock file when its pid now belongs to
 * another program. Otherwise the lock file stays: the server reads from it whether anybody still uses the
 * shared memory. Errors: STATE_UNAVAILABLE when that program may be the server of this very folder.
 */
async function clearLeftovers(data: string, waiting: Waiting): Promise<void> {
  for (const pid of await serverProcesses(data)) {
    const orphan = identify(pid);
    if (orphan !== undefined) await endProcess(orphan, ["SIGQUIT", "SIGKILL"], waiting, ORPHAN_STOP_MS);
  }
  const file = readPostmasterFile(data);
  if (file === undefined || identify(file.pid) === undefined) return;
  if (!(await isUnrelated(file.pid, data))) {
    throw unavailable(
      `process ${file.pid}, a Postgres server, may be using ${data} under another path`,
      { data, pid: file.pid },
      {
        hint: `Move the folder back to where its server was started, or end that server with: kill -INT ${file.pid}`,
      },
    );
  }
  rmSync(join(data, POSTMASTER_FILE), { force: true });
}

/** Sends the first signal, then the second when the process does not end by itself. */
async function endProcess(
  target: ProcessIdentity,
  [first, second]: [NodeJS.Signals, NodeJS.Signals],
  { clock, signal }: Waiting,
  graceMs = FAST_STOP_MS,
): Promise<void> {
  for (const [name, ms] of [
    [first, graceMs],
    [second, IMMEDIATE_STOP_MS],
  ] as const) {
    sendSignal(target, name);
    const until = clock.monotonicMs() + ms;
    while (isAlive(target) && clock.monotonicMs() < until) await clock.sleep(POLL_MS, signal);
    if (!isAlive(target)) return;
  }
  throw unavailable(`the database server (process ${target.pid}) does not end`, { pid: target.pid });
}

function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
}

/** The last lines of the log. */
function tail(logFile: string): string {
  const descriptor = openSync(logFile, "r");
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, 4000));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}
