import { readdir, readFile } from "node:fs/promises";
import { identify, type ProcessIdentity } from "../../lib/process.ts";

/** Environment variable by which an instance's process and its children are found again. */
export const markVariable = "TMINUS_INSTANCE_KEY";

/**
 * The running processes that carry this mark in their environment, those that lead a session first: that is
 * the one which was started, the others are its children. Undefined where the system has no /proc to look in.
 */
export async function findMarked(mark: string): Promise<ProcessIdentity[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const wanted = `${markVariable}=${mark}`;
  const leaders: ProcessIdentity[] = [];
  const others: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const environment = await readProc(pid, "environ");
    if (environment === undefined || !environment.split("\0").includes(wanted)) continue;
    const identity = identify(pid);
    if (identity === undefined) continue;
    const stat = await readProc(pid, "stat");
    (sessionOf(stat) === pid ? leaders : others).push(identity);
  }
  return [...leaders, ...others];
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return undefined; // it ended meanwhile, or belongs to another user and so is not ours
  }
}

/** Field 6 of /proc/<pid>/stat; see proc(5). */
function sessionOf(stat: string | undefined): number {
  return Number(stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
