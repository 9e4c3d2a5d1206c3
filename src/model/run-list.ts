import type { Run, RunOutcome, RunState } from "./run.ts";

/** A run as lists show it: without its plan, which may be large. */
export interface ListedRun extends Omit<Run, "plan" | "starter"> {
  release: string;
  previousRelease?: string;
  purpose: Run["plan"]["purpose"];
  planHash: string;
  isEmergency: boolean;
}

/** Which runs are meant; a run has to be like all that is named. */
export interface RunFilter {
  environment?: string | undefined;
  /** active: has not ended. */
  state?: "active" | RunState | undefined;
  outcome?: RunOutcome | undefined;
  /**
   * Each of its words has to be the beginning of the id, or of a word of the release, of who started it, of the environment,
   * of the purpose, of the outcome, or of why it was decided to stop, where every sign parts two words, in the search as well.
   * Small and capital letters are the same.
   */
  search?: string | undefined;
  /** Those that are older than this run, by its id or an unambiguous beginning: the last one of the page before. */
  before?: string | undefined;
}

/** Newest first. */
export interface RunPage {
  runs: ListedRun[];
  /** Whether there are more: `before` the last of these. */
  hasOlder: boolean;
}

/** What is known of a deploy that has ended for counting it. */
export interface EndedDeploy {
  id: string;
  outcome: RunOutcome;
  createdAt: Date;
  endedAt: Date;
  /** When it was decided to stop going forward. */
  decidedAt?: Date;
  /** Whether the end state was seen to be as it should be. */
  isVerified: boolean;
}

export const runOutcomes = [
  "succeeded",
  "rolled-back",
  "stopped",
  "failed",
  "rollback-failed",
] as const satisfies readonly RunOutcome[];

export const runStates = [
  "queued",
  "running",
  "waiting",
  "held",
  "rolling-back",
  "ended",
] as const satisfies readonly RunState[];

/** A text to search by is not longer. */
export const MAX_SEARCH_LENGTH = 200;

/** The run without its plan. */
export function listedRun({ plan, ...facts }: Run): ListedRun {
  return {
    ...facts,
    release: plan.release,
    ...(plan.previousRelease === undefined ? {} : { previousRelease: plan.previousRelease }),
    purpose: plan.purpose,
    planHash: plan.hash,
    isEmergency: plan.emergency !== undefined,
  };
}
