import { findHome } from "./cluster-home.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { isServerProcess } from "./server-processes.ts";

/** "absent": no cluster was ever made for this folder. A server that is starting or stopping counts as running. */
export type ClusterStatus = "absent" | "stopped" | { running: true; pid: number };

/** Looks, and changes nothing. Errors: STATE_UNAVAILABLE when it cannot be found out. */
export async function clusterStatus(directory: string): Promise<ClusterStatus> {
  const home = findHome(directory);
  if (home === undefined) return "absent";
  const file = readPostmasterFile(home.data);
  if (file === undefined || !(await isServerProcess(file.pid, home.data))) return "stopped";
  return { running: true, pid: file.pid };
}
