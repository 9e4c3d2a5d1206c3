import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { randomText } from "../../lib/id.ts";
import { identify, isAlive, type ProcessIdentity } from "../../lib/process.ts";

/** Work under the lock takes milliseconds; whoever has it longer is stopped or hangs. */
const LIMIT_MS = 15_000;

/**
 * Runs `work` while no other call, in this process or another on this machine, runs under the same folder. A
 * holder that died lets go by dying. Throws TARGET_UNREACHABLE after 15 s, and the signal's reason.
 */
export async function withFolderLock<T>(
  folder: string,
  clock: Clock,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const claim = await take(folder, clock, signal);
  try {
    return await work();
  } finally {
    await rm(claim, { force: true });
  }
}

/**
 * Everybody puts down a claim under a name of its own, then looks: who sees a living one beside it steps back.
 * Two may both step back, but never both stay, and no name is used twice, so removing a dead one takes no
 * living one away.
 */
async function take(folder: string, clock: Clock, signal: AbortSignal | undefined): Promise<string> {
  const giveUpMs = clock.monotonicMs() + LIMIT_MS;
  const startedAt = identify(process.pid)?.startedAt ?? "";
  for (;;) {
    signal?.throwIfAborted();
    const own = `${process.pid}-${startedAt}-${randomText(10)}`;
    const claim = join(folder, own);
    await writeFile(claim, "", { flag: "wx", mode: 0o600 });
    const holder = await livingOther(folder, own);
    if (holder === undefined) return claim;
    await rm(claim, { force: true });
    if (clock.monotonicMs() > giveUpMs) {
      throw new TminusError("TARGET_UNREACHABLE", `process ${holder.pid} does not let go of ${folder}`, {
        hint: `See what process ${holder.pid} does; when it is not tminus, remove the files in ${folder}.`,
      });
    }
    await clock.sleep(pauseMs(), signal);
  }
}

async function livingOther(folder: string, own: string): Promise<ProcessIdentity | undefined> {
  for (const name of await readdir(folder)) {
    const match = /^(\d+)-(\d*)-[0-9a-z]{10}$/.exec(name);
    if (name === own || match === null) continue;
    const holder = { pid: Number(match[1]), startedAt: match[2]! };
    if (isAlive(holder)) return holder;
    await rm(join(folder, name), { force: true });
  }
  return undefined;
}

/** Between 5 and 36 ms, so that two that stepped back for each other do not meet again. */
function pauseMs(): number {
  return 5 + Number.parseInt(randomText(1), 36);
}
