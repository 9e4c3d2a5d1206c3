import type { Clock } from "../../lib/clock.ts";
import type { Session } from "../session/connect.ts";

/** How many of the probe's commits were slow since it was last asked. */
export interface CommitCount {
  all: number;
  slow: number;
}

/** Commits again and again, as a writer of the application does, and says how many of them took long. */
export interface CommitProbe {
  /** One commit. */
  probe(): Promise<void>;
  /** From which time on a commit counts as slow. */
  readonly limitMs: number;
  /** Those since the last call. */
  take(): CommitCount;
}

const CALM_PROBES = 40;
/**
 * Where commits are as quick as on a disk of its own, twice the 99th percentile is about three times the 95th, and
 * the 95th is all that forty probes can tell.
 */
const LIMIT_FACTOR = 3;
/** Below this a slow commit is the noise of two processes on one core. */
const MIN_LIMIT_MS = 5;

/**
 * Measures what a commit takes before the backfill begins, for a moment, and counts against that later. A probe
 * locks the one row of tminus.backfill_probe: the commit has to wait for the disk, and yet no row version is
 * made and nothing is replicated. Another backfill's probe is not waited for.
 */
export async function openCommitProbe(session: Session, clock: Clock): Promise<CommitProbe> {
  const commit = async (): Promise<number> => {
    const startedMs = clock.monotonicMs();
    await session.prepared(
      "tminus_commit",
      "select from tminus.backfill_probe where one for update skip locked",
      [],
    );
    return clock.monotonicMs() - startedMs;
  };
  const calm: number[] = [];
  while (calm.length < CALM_PROBES) calm.push(await commit());
  const limitMs = commitLimit(calm);
  let count = { all: 0, slow: 0 };
  return {
    limitMs,
    async probe() {
      const ms = await commit();
      count.all++;
      if (ms > limitMs) count.slow++;
    },
    take() {
      const taken = count;
      count = { all: 0, slow: 0 };
      return taken;
    },
  };
}

/** From which time on a commit counts as slow, in milliseconds, by those of calm. */
export function commitLimit(calmMs: readonly number[]): number {
  const sorted = calmMs.toSorted((a, b) => a - b);
  const p95 = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0;
  return Math.max(MIN_LIMIT_MS, LIMIT_FACTOR * p95);
}
