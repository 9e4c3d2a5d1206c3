import type { CommitCount } from "./commit-probe.ts";
import type { Health } from "./health.ts";

/** What the pace of the batches is decided from. */
export interface PaceLimits {
  batchTargetMs: number;
  /** The least share of the time in which batches work. */
  minDuty: number;
  maxReplicaLagBytes: number;
  /** Whether replicas whose lag cannot be seen hold the batches. */
  holdsForUnseen: boolean;
  /** Undefined: no limit. */
  maxWalBytesPerSecond: number | undefined;
  maxDeadShare: number;
}

export interface Pace {
  /** Of the next batch. */
  pages: number;
  /** To wait before it, because of reads or the write-ahead log. */
  pauseMs: number;
  /** The share of the time in which batches work, because of commits; at most 1. */
  duty: number;
}

/** What the last batch did. */
export interface Lap {
  /** Undefined: it could not get its row locks and was rolled back. */
  batchMs: number | undefined;
  /** Of the write-ahead log, by the whole server, per second, since the last look. */
  health: Health;
  /** Of the probe, since the last batch. */
  commits: CommitCount;
}

const MAX_PAGES = 2_000;
const STEP_PAGES = 8;
const MAX_PAUSE_MS = 1_000;
const FIRST_PAUSE_MS = 10;
/** A probe this much slower than before the backfill began, and slower than this at all, shows others waiting. */
const SLOW_FACTOR = 5;
const SLOW_MS = 50;
const MAX_REST_MS = 30_000;
const SLOW_COMMIT_FACTOR = 0.8;
const SLOW_COMMIT_SHARE = 0.01;

/**
 * Additive increase, multiplicative decrease: batches grow while they stay below their time and nobody else
 * suffers, and are halved when one of that is no longer so; pauses between them come and go in the same way.
 */
export function nextPace(pace: Pace, { batchMs, health, commits }: Lap, limits: PaceLimits): Pace {
  const slow = isSlow(health);
  const tooFast =
    limits.maxWalBytesPerSecond !== undefined && health.walBytesPerSecond > limits.maxWalBytesPerSecond;
  const pauseMs =
    slow || tooFast
      ? Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pace.pauseMs * 2))
      : pace.pauseMs < FIRST_PAUSE_MS
        ? 0
        : pace.pauseMs * 0.8;
  return {
    pages: nextPages(pace.pages, slow ? undefined : batchMs, limits.batchTargetMs),
    pauseMs,
    duty: nextDuty(pace.duty, commits, limits),
  };
}

/** How long to rest after work of `workedMs`: never as long as the server lets a session be idle. */
export function restMs({ pauseMs, duty }: Pace, workedMs: number): number {
  return Math.min(MAX_REST_MS, pauseMs + workedMs * (1 / duty - 1));
}

/**
 * A slow commit takes a fifth of the speed away, and a quick one gives a little back, so that the two are in balance
 * when one commit in a hundred is slow (stochastic approximation of a quantile, Robbins and Monro 1951,
 * https://doi.org/10.1214/aoms/1177729586).
 */
export function nextDuty(duty: number, { all, slow }: CommitCount, { minDuty }: PaceLimits): number {
  const step = Math.log(SLOW_COMMIT_FACTOR) * (slow - SLOW_COMMIT_SHARE * all);
  return Math.min(1, Math.max(minDuty, duty * Math.exp(step)));
}

export type HoldReason = "replica" | "unseen replica" | "dead rows";

/** Why no batch may run now; undefined when one may. */
export function holdReason(health: Health, limits: PaceLimits): HoldReason | undefined {
  if (health.replicaLagBytes > limits.maxReplicaLagBytes) return "replica";
  if (health.unseenReplicas > 0 && limits.holdsForUnseen) return "unseen replica";
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
