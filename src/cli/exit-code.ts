import type { ExitCode } from "../error-codes.ts";
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

/** Whether the run was refused before its first step because its plan went stale while it was queued. */
export function isStale({ outcome, verdict }: Pick<Run, "outcome" | "verdict">): boolean {
  return outcome === "failed" && verdict?.code === "PLAN_STALE";
}

/** Whether the run goes on only when a person says something. */
export function waitsForPerson({ state, waitingFor }: Pick<Run, "state" | "waitingFor">): boolean {
  if (state === "ended") return false;
  return state === "held" || (waitingFor !== undefined && waitingFor.for !== "time");
}
