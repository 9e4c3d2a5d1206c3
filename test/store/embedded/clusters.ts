import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { systemClock } from "../../../src/lib/clock.ts";
import {
  identify,
  isAlive,
  run,
  sendSignal,
  terminate,
  type ProcessIdentity,
} from "../../../src/lib/process.ts";
import { ownedName, ownerOf } from "../../../src/store/embedded/claim.ts";
import { findHome } from "../../../src/store/embedded/cluster-home.ts";
import {
  openCluster,
  type Cluster,
  type OpenClusterOptions,
} from "../../../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { serverProcesses } from "../../../src/store/embedded/server-processes.ts";

/** The program open-in-child.ts. */
export const CHILD = join(import.meta.dirname, "open-in-child.ts");
export const isRoot = process.geteuid?.() === 0;

/** What `cleanUp` ends and removes. */
export const leftovers = {
  processes: [] as ProcessIdentity[],
  folders: [] as string[],
  states: new Set<string>(),
};

const PREFIX = "tminus-embedded.";

export async function cleanUp(): Promise<void> {
  for (const one of leftovers.processes.splice(0)) await terminate(one, 5_000);
  for (const state of leftovers.states) await removeCluster(state);
  leftovers.states.clear();
  for (const folder of leftovers.folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Removes what earlier test runs left that were killed before `cleanUp`. */
export async function removeAbandonedFolders(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? ownerOf(name.slice(PREFIX.length)) : undefined;
    if (owner === undefined || isAlive(owner)) continue;
    await removeCluster(join(tmpdir(), name, "state"));
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

export function newFolder(mode = 0o755): string {
  const folder = join(tmpdir(), `${PREFIX}${ownedName()}`);
  mkdirSync(folder);
  chmodSync(folder, mode);
  leftovers.folders.push(folder);
  return folder;
}

/** A state folder that does not exist yet. */
export function newState(...below: string[]): string {
  const directory = join(newFolder(), "state", ...below);
  leftovers.states.add(directory);
  return directory;
}

export function open(directory: string, options: Partial<OpenClusterOptions> = {}): Promise<Cluster> {
  return openCluster({ directory, clock: systemClock, ...options });
}

export async function query<T>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = systemClock.monotonicMs() + 30_000;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > limit) throw new Error(`never true: ${condition.toString()}`);
    await systemClock.sleep(20);
  }
}

export interface Opened {
  pid: number;
  attached: boolean;
  url: string;
}

export async function openInChild(
  directory: string,
  then: string,
  user: { uid?: number; gid?: number } = {},
): Promise<Opened> {
  const result = await run([process.execPath, CHILD, directory, then], {
    cwd: "/",
    timeoutMs: 50_000,
    ...user,
  });
  if (result.exitCode !== 0) throw new Error(result.startError ?? result.output);
  return JSON.parse(result.output) as Opened;
}

export async function killServer(cluster: Cluster, directory: string): Promise<void> {
  const all = await serverProcesses(findHome(directory)!.data);
  for (const pid of all) sendSignal(identify(pid) ?? cluster.postmaster, "SIGKILL");
  await until(async () => (await serverProcesses(findHome(directory)!.data)).length === 0);
}
