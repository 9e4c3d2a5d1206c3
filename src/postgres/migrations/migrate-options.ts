import type { Clock } from "../../lib/clock.ts";
import type { Fence } from "../../model/ports.ts";
import type { HistoryFormat } from "./migration.ts";
import type { WaitOptions } from "../session/wait-until-free.ts";

/** What applying and reverting need to know. */
export interface MigrateOptions {
  /** Whose files they are; native when left out. */
  format?: HistoryFormat;
  connectionString: string;
  fence: Fence;
  /** Written beside each row; rows with it are this run's. */
  runKey: string;
  /** A person's name. */
  appliedBy: string;
  /** The longest that a statement waits for a lock before everything is given up and tried again. */
  lockTimeoutMs: number;
  /** How often a migration is tried when it cannot get its locks. */
  lockRetries: number;
  statementTimeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  progress: (text: string) => void;
  /**
   * The longest that is waited, without standing in anybody's way, until nobody holds for long what a statement
   * needs. Default: five minutes.
   */
  lockWaitMs?: number;
  /** Ends a session that stands in the way and has been idle in its transaction for this long. Default: never. */
  endIdleBlockersAfterMs?: number;
  /** Ends what an earlier attempt of this very run left working in the server, instead of waiting for its end. */
  endOrphan?: boolean;
  /** How often a lost connection is made again before the outcome counts as not known. */
  reconnects?: number;
}

const LOCK_WAIT_MS = 300_000;

/** How to wait until the locks of a file's statements are free; `patienceMs` as in WaitOptions. */
export function lookOptions(options: MigrateOptions, file: string, patienceMs: number): WaitOptions {
  const { clock, signal, progress, lockTimeoutMs, lockWaitMs = LOCK_WAIT_MS } = options;
  return {
    what: file,
    patienceMs,
    limitMs: lockTimeoutMs,
    waitMs: lockWaitMs,
    endIdleAfterMs: options.endIdleBlockersAfterMs,
    clock,
    signal,
    progress,
  };
}
