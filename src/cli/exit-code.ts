import type { ErrorCode, ExitCode } from "../error-codes.ts";
import type { Run, RunOutcome } from "../model/run.ts";

const outcomeExits: Record<RunOutcome, ExitCode> = {
  succeeded: 0,
  failed: 1,
  "rolled-back": 5,
  stopped: 6,
  "rollback-failed": 9,
};

/** The exit code of a command that saw a run to its end. */
export function exitOfOutcome(outcome: RunOutcome): ExitCode {
  return outcomeExits[outcome];
}

/** Why a run was refused before its first step: its plan went stale or its environment was locked while it was queued. */
export function refusalOf({ outcome, verdict }: Pick<Run, "outcome" | "verdict">): ErrorCode | undefined {
  return outcome === "failed" ? verdict?.code : undefined;
}
