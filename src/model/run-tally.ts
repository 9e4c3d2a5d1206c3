import type { RunOutcome, RunState } from "./run.ts";

/** An environment's runs in numbers. */
export interface RunTally {
  /** How many have not ended, by state; a state without one is left out. */
  unended: Partial<Record<RunState, number>>;
  /** The newest of those that have ended. */
  last?: { outcome: RunOutcome; endedAt: Date };
}
