import type { Health } from "./health.ts";

/** What the pace of the batches is decided from. */
export interface PaceLimits {
  batchTargetMs: number;
  maxReplicaLagBytes: number;
  /** Undefined: no limit. */
  maxWalBytesPerSecond: number | undefined;
  maxDeadShare: number;
}

export interface Pace {
  /** Of the next batch. */
  pages: number;
  /** To wait before it. */
  pauseMs: number;
}

/** What the last batch did. */
export interface Lap {
  /** Undefined: it could not get its row locks and was rolled back. */
  batchMs: number | undefined;
  /** Of the write-ahead log, by the whole server, per second, since the last look. */
  health: Health;
}

const MAX_PAGES = 2_000;
const STEP_PAGES = 8;
const MAX_PAUSE_MS = 1_000;
const FIRST_PAUSE_MS = 10;
/** A probe this much slower than before the backfill began, and slower than this at all, shows others waiting. */
const SLOW_FACTOR = 5;
const SLOW_MS = 50;

/**
 * Additive increase, multiplicative decrease: batches grow while they stay below their time and nobody else
 * suffers, and are halved when one of that is no longer so; pauses between them come and go in the same way.
 */
export function nextPace(pace: Pace, { batchMs, health }: Lap, limits: PaceLimits): Pace {
  const slow = isSlow(health);
  const tooFast =
    limits.maxWalBytesPerSecond !== undefined && health.walBytesPerSecond > limits.maxWalBytesPerSecond;
  const pauseMs =
    slow || tooFast
      ? Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pace.pauseMs * 2))
      : pace.pauseMs < FIRST_PAUSE_MS
        ? 0
        : pace.pauseMs * 0.8;
  return { pages: nextPages(pace.pages, slow ? undefined : batchMs, limits.batchTargetMs), pauseMs };
}

/** Why no batch may run now; undefined when one may. */
export function holdReason(health: Health, limits: PaceLimits): "replica" | "dead rows" | undefined {
  if (health.replicaLagBytes > limits.maxReplicaLagBytes) return "replica";
  if (health.deadShare > limits.maxDeadShare) return "dead rows";
  return undefined;
}

function isSlow({ probeP95Ms, calmP95Ms }: Health): boolean {
  return probeP95Ms > Math.max(SLOW_MS, SLOW_FACTOR * calmP95Ms);
}

function nextPages(pages: number, batchMs: number | undefined, targetMs: number): number {
  if (batchMs === undefined || batchMs > 2 * targetMs) return Math.max(1, Math.floor(pages / 2));
  // Straight towards the target; halving alone would stay far below it.
  if (batchMs > targetMs) return Math.max(1, Math.floor((pages * targetMs) / batchMs));
  if (batchMs > 0.9 * targetMs) return pages;
  return Math.min(MAX_PAGES, pages + STEP_PAGES);
}
