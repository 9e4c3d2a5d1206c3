import { open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { isAlive, sendSignal, spawnDetached, type ProcessIdentity } from "../../lib/process.ts";

/**
 * Runs a command in such a way that the death of this process harms nothing: its output goes to a file, it
 * begins only after its process was recorded (a file tells it), and how it ends is written down by itself.
 * What asks it to end ends the command, and the shell stays to write that down. $0 is the beginning of the
 * names of its files.
 */
const SUPERVISED = `n=0
while [ ! -e "$0.go" ]; do
  n=$((n + 1))
  [ "$n" -gt 250 ] && exit 125
  sleep 0.02
done
trap : TERM INT HUP
"$@"
code=$?
echo "$code" >"$0.exit.tmp" && mv -f "$0.exit.tmp" "$0.exit"`;

const TAIL_BYTES = 256 * 1024;
const GRACE_MS = 5_000;
const POLL_MS = 25;

export interface CommandFiles {
  folder: string;
  id: string;
}

/** Starts the process that will run the command; nothing is done before `letBegin`. Throws TARGET_UNHEALTHY. */
export async function prepareCommand(
  argv: readonly string[],
  files: CommandFiles,
  options: { cwd: string; env: Record<string, string> },
): Promise<ProcessIdentity> {
  const path = join(files.folder, files.id);
  try {
    return await spawnDetached(["sh", "-c", SUPERVISED, path, ...argv], {
      ...options,
      logFile: `${path}.log`,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("TARGET_UNHEALTHY", `${argv[0]} could not be started: ${reason}`, { cause: error });
  }
}

export async function letBegin({ folder, id }: CommandFiles): Promise<void> {
  await writeFile(join(folder, `${id}.go`), "", { mode: 0o600 });
}

/** The exit code that the command left; undefined when nobody saw its end. */
export async function exitCodeOf({ folder, id }: CommandFiles): Promise<number | undefined> {
  try {
    const text = (await readFile(join(folder, `${id}.exit`), "utf8")).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The last lines that the command printed, redacted; empty when they cannot be read. */
export async function lastOutput(
  { folder, id }: CommandFiles,
  count: number,
  redact: (text: string) => string,
): Promise<string[]> {
  try {
    await using handle = await open(join(folder, `${id}.log`), "r");
    const { size } = await handle.stat();
    // Much more than is shown, so that no secret is cut in two before it is masked.
    const length = Math.min(size, TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return lastLines(redact(buffer.toString("utf8")), count);
  } catch {
    return []; // the lines only illustrate what is reported anyway
  }
}

/**
 * Ends the command and everything in its process group: what it started may outlive it for a moment, and
 * would go on changing things. Throws TARGET_UNREACHABLE when it does not end.
 */
export async function endCommand(identity: ProcessIdentity, clock: Clock): Promise<void> {
  if (!isAlive(identity)) return;
  const group = groupOf(identity);
  sendSignal(group, "SIGTERM");
  await gone(group, clock);
  sendSignal(group, "SIGKILL");
  if (!(await gone(identity, clock)))
    throw new TminusError("TARGET_UNREACHABLE", `process ${identity.pid} cannot be ended`);
}

async function gone(identity: ProcessIdentity, clock: Clock): Promise<boolean> {
  const giveUpMs = clock.monotonicMs() + GRACE_MS;
  while (isAlive(identity) && clock.monotonicMs() < giveUpMs) await clock.sleep(POLL_MS);
  return !isAlive(identity);
}

/** Removes the files of every command but this one. */
export async function removeOtherFiles({ folder, id }: CommandFiles): Promise<void> {
  for (const name of await readdir(folder))
    if (!name.startsWith(`${id}.`)) await rm(join(folder, name), { force: true });
}

/** A negative pid is a process group, see kill(2); the process that was started leads one of its own. */
function groupOf({ pid }: ProcessIdentity): ProcessIdentity {
  return { pid: -pid, startedAt: "" };
}
