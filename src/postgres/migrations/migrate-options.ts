import type { Clock } from "../../lib/clock.ts";
import type { Fence } from "../../model/ports.ts";
import type { HistoryFormat } from "./migration.ts";

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
  /** How often a lost connection is made again before the outcome counts as not known. */
  reconnects?: number;
}
