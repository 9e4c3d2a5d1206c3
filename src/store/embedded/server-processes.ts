import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { TminusError } from "../../errors.ts";
import { sha256 } from "../../lib/hash.ts";
import { identify, run } from "../../lib/process.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { codeOf, unavailable } from "./unavailable.ts";

interface PostgresProcess {
  pid: number;
  /** The command line; for children of the postmaster the title "postgres: <cluster name>: …". */
  command: string;
}

/**
 * The name that every process of the folder's server carries on its command line or in its title: this is how
 * they are found. Their working folder would say it too, but root in a container may not look at it.
 */
export function clusterName(data: string): string {
  return `tminus-${sha256(data).slice(0, 16)}`;
}

/** The running processes of the folder's server, the postmaster and its children alike. Errors: STATE_UNAVAILABLE. */
export async function serverProcesses(data: string): Promise<number[]> {
  const all = await postgresProcesses(statSync(data).uid);
  return all.filter(({ command }) => command.includes(clusterName(data))).map(({ pid }) => pid);
}

/** Whether this process belongs to the folder's server. */
export async function isServerProcess(pid: number, data: string): Promise<boolean> {
  return identify(pid) !== undefined && (await serverProcesses(data)).includes(pid);
}

/**
 * Whether a live process certainly has nothing to do with this data folder: it is not a Postgres server, or
 * one that has another folder locked. A server whose folder was moved away under it is not certain.
 */
export async function isUnrelated(pid: number, data: string): Promise<boolean> {
  const found = (await postgresProcesses(statSync(data).uid)).find((one) => one.pid === pid);
  if (found === undefined) return true;
  const folder = / -D (.+?)(?: -c |$)/.exec(found.command)?.[1];
  if (folder === undefined) return false;
  try {
    return realpathSync(folder) !== data && readPostmasterFile(folder)?.pid === pid;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof TminusError) return false;
    throw error;
  }
}

async function postgresProcesses(uid: number): Promise<PostgresProcess[]> {
  return process.platform === "linux" ? fromProc(uid) : parsePs(await ps(), uid);
}

function fromProc(uid: number): PostgresProcess[] {
  const found: PostgresProcess[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`/proc/${name}/comm`, "utf8") !== "postgres\n") continue;
      if (!readFileSync(`/proc/${name}/status`, "utf8").includes(`\nUid:\t${uid}\t`)) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      found.push({ pid: Number(name), command });
    } catch (error) {
      if (!["ENOENT", "ESRCH", "EACCES"].includes(codeOf(error) ?? "")) throw error;
      // It ended meanwhile, or is hidden because it is another user's: not ours either way.
    }
  }
  return found;
}

async function ps(): Promise<string> {
  const argv = ["ps", "-axww", "-o", "pid=,uid=,command="];
  const result = await run(argv, { cwd: "/", timeoutMs: 10_000, maxOutputBytes: 16 * 1024 * 1024 });
  if (result.exitCode === 0) return result.output;
  throw unavailable("the running processes could not be listed", {
    command: argv,
    output: result.output.slice(-1000),
  });
}

/** Reads lines of `ps -o pid=,uid=,command=` and keeps the Postgres processes of the user. */
export function parsePs(output: string, uid: number): PostgresProcess[] {
  const found: PostgresProcess[] = [];
  for (const line of output.split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+((?:\S*\/)?postgres(?::| ).*)$/.exec(line);
    if (match !== null && Number(match[2]) === uid) found.push({ pid: Number(match[1]), command: match[3]! });
  }
  return found;
}
