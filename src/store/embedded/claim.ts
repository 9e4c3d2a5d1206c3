import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { randomText } from "../../lib/id.ts";
import { identify, isAlive, type ProcessIdentity } from "../../lib/process.ts";
import { codeOf, unavailable } from "./unavailable.ts";

export interface ClaimOptions {
  clock: Clock;
  /** How long to wait for the others. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Called once when somebody else holds the claim. */
  onWait?: () => void;
}

/**
 * Runs `task` while no other process (and no other call in this one) runs a task under the same folder.
 * Processes that died holding the claim do not count. Errors: STATE_UNAVAILABLE after `timeoutMs`.
 *
 * Each contender first puts up a file with a name of its own (pid, start time, random part) and then looks
 * for others: of two that overlap at least the later one sees the other, and whoever sees a live one steps
 * back. A dead owner's file can be removed by anyone, because no name is ever used twice; taking over a
 * single lock file has no such safe way.
 */
export async function withClaim<T>(
  folder: string,
  options: ClaimOptions,
  task: () => Promise<T>,
): Promise<T> {
  const until = options.clock.monotonicMs() + options.timeoutMs;
  for (let waited = false; ; waited = true) {
    const claim = tryClaim(folder);
    if (claim.held) {
      try {
        return await task();
      } finally {
        rmSync(claim.file, { force: true });
      }
    }
    if (!waited) options.onWait?.();
    if (options.clock.monotonicMs() > until) {
      throw unavailable(
        `process ${claim.owner.pid} has been starting or stopping the state database for too long`,
        {
          pid: claim.owner.pid,
          claims: folder,
        },
      );
    }
    await options.clock.sleep(jitterMs(), options.signal);
  }
}

/** A name that no other call ever makes and from which the process that made it is known. */
export function ownedName(): string {
  const self = identify(process.pid);
  return `${process.pid}-${self?.startedAt ?? ""}-${randomText(10)}`;
}

/** The process that made an owned name; undefined for other text. */
export function ownerOf(name: string): ProcessIdentity | undefined {
  const match = /^(\d+)-(\d*)-[0-9a-z]{10}$/.exec(name);
  return match === null ? undefined : { pid: Number(match[1]), startedAt: match[2]! };
}

type Claim = { held: true; file: string } | { held: false; owner: ProcessIdentity };

function tryClaim(folder: string): Claim {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return contend(folder);
  } catch (error) {
    const details = { claims: folder, reason: codeOf(error) };
    throw unavailable(`the claims in ${folder} cannot be read and written`, details, { cause: error });
  }
}

function contend(folder: string): Claim {
  const own = ownedName();
  const file = join(folder, own);
  closeSync(openSync(file, "wx", 0o600));
  for (const name of readdirSync(folder)) {
    const owner = ownerOf(name);
    if (name === own || owner === undefined) continue;
    if (isAlive(owner)) {
      rmSync(file, { force: true });
      return { held: false, owner };
    }
    rmSync(join(folder, name), { force: true });
  }
  return { held: true, file };
}

/** Between 10 and 50 ms, so that two contenders that stepped back for each other do not meet again. */
function jitterMs(): number {
  return 10 + (Number.parseInt(Buffer.from(randomText(4)).toString("hex"), 16) % 41);
}
