import type { RunState } from "./run.ts";

/** Whether the run goes on only when a person says something. */
export function waitsForPerson({
  state,
  waitingFor,
}: {
  state: RunState;
  waitingFor?: { for: string } | undefined;
}): boolean {
  if (state === "ended") return false;
  return state === "held" || (waitingFor !== undefined && waitingFor.for !== "time");
}
