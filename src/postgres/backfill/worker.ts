import { every, type Clock } from "../../lib/clock.ts";
import { parseDuration } from "../../lib/duration.ts";
import type { BackfillSettings } from "../../model/backfill.ts";
import type { Fence } from "../../model/ports.ts";
import type { MigrateOptions } from "../migrations/migrate-options.ts";
import type { Session } from "../session/connect.ts";
import type { Backfill } from "./backfill.ts";
import type { HealthWatch } from "./health.ts";
import type { Pace, PaceLimits } from "./pacing.ts";
import type { ProgressMeter } from "./progress.ts";

/** What filling and taking back need to know. */
export interface BackfillOptions {
  connectionString: string;
  fence: Fence;
  /** Written into the checkpoint; a step of a run recognizes its own by it. */
  runKey: string;
  /** A person's name. */
  startedBy: string;
  clock: Clock;
  signal: AbortSignal;
  /** Called at least every two seconds. */
  progress: (text: string) => void;
  /** How often a lost connection is made again. */
  reconnects?: number;
}

/** One process at work on one backfill, over one connection. */
export interface BackfillWorker {
  backfill: Backfill;
  options: BackfillOptions;
  session: Session;
  health: HealthWatch;
  meter: ProgressMeter;
  limits: PaceLimits;
  /** Changed after each batch. */
  pace: Pace;
}

/** The longest that one statement other than a batch may take: a VACUUM. */
export const STATEMENT_TIMEOUT_MS = 6 * 3_600_000;

const TELL_EVERY_MS = 1_500;
const MEGABYTE = 1024 * 1024;

export function limitsOf(settings: BackfillSettings): PaceLimits {
  const {
    batchTarget,
    minSpeedPercent,
    unseenReplicas,
    maxReplicaLagMegabytes,
    maxWalMegabytesPerSecond,
    maxDeadPercent,
  } = settings;
  return {
    batchTargetMs: parseDuration(batchTarget)!,
    minDuty: minSpeedPercent / 100,
    holdsForUnseen: unseenReplicas === "hold",
    maxReplicaLagBytes: maxReplicaLagMegabytes * MEGABYTE,
    maxWalBytesPerSecond:
      maxWalMegabytesPerSecond === undefined ? undefined : maxWalMegabytesPerSecond * MEGABYTE,
    maxDeadShare: maxDeadPercent / 100,
  };
}

/** For the transactions that take table locks: those of the trigger. */
export function lockOptions(settings: BackfillSettings, options: BackfillOptions): MigrateOptions {
  return {
    ...options,
    appliedBy: options.startedBy,
    lockTimeoutMs: parseDuration(settings.lockTimeout)!,
    lockRetries: settings.lockRetries,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
}

/** Says how far it is again and again, until the returned function is called. */
export function keepTelling(meter: ProgressMeter, { clock, progress }: BackfillOptions): () => void {
  return every(TELL_EVERY_MS, () => progress(meter.line(clock.monotonicMs())));
}
