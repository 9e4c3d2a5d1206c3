import { formatDuration } from "../lib/duration.ts";
import type { RunOutcome, RunState } from "../model/run.ts";
import type { RunView, StageView, StepState, StepView } from "./run-view.ts";
import type { Paint } from "./text.ts";

/** The words, signs and colours in which runs are told, the same on the command line and in the console. */

export interface Mark {
  icon: string;
  word: string;
  paint: Paint;
}

export const stepMarks: Record<StepState, Mark> = {
  pending: { icon: "○", word: "pending", paint: "dim" },
  running: { icon: "●", word: "running", paint: "cyan" },
  waiting: { icon: "◆", word: "waiting", paint: "yellow" },
  done: { icon: "✓", word: "done", paint: "green" },
  failed: { icon: "✗", word: "failed", paint: "red" },
  parked: { icon: "?", word: "unknown", paint: "yellow" },
  undoing: { icon: "↶", word: "undoing", paint: "yellow" },
  undone: { icon: "↶", word: "undone", paint: "yellow" },
  "undo-failed": { icon: "✗", word: "not undone", paint: "red" },
  kept: { icon: "=", word: "kept", paint: "dim" },
};

const stateMarks: Record<RunState, Mark> = {
  queued: { icon: "○", word: "QUEUED", paint: "yellow" },
  running: { icon: "●", word: "RUNNING", paint: "cyan" },
  waiting: { icon: "◆", word: "WAITING", paint: "yellow" },
  held: { icon: "◆", word: "HELD", paint: "yellow" },
  "rolling-back": { icon: "↶", word: "ROLLING BACK", paint: "yellow" },
  ended: { icon: "✓", word: "ENDED", paint: "dim" },
};

export const outcomeMarks: Record<RunOutcome, Mark> = {
  succeeded: { icon: "✓", word: "SUCCEEDED", paint: "green" },
  "rolled-back": { icon: "↶", word: "ROLLED BACK", paint: "yellow" },
  stopped: { icon: "■", word: "STOPPED", paint: "yellow" },
  failed: { icon: "✗", word: "FAILED", paint: "red" },
  "rollback-failed": { icon: "✗", word: "ROLLBACK FAILED", paint: "red" },
};

export function runMark(run: { state: RunState; outcome?: RunOutcome | undefined }): Mark {
  return run.state === "ended" && run.outcome !== undefined
    ? outcomeMarks[run.outcome]
    : stateMarks[run.state];
}

/** How a stage as a whole stands. */
export function stageState({ steps }: StageView): StepState {
  const has = (...states: StepState[]): boolean => steps.some(({ state }) => states.includes(state));
  for (const state of [
    "undo-failed",
    "failed",
    "undoing",
    "parked",
    "waiting",
    "running",
    "undone",
    "kept",
  ] as const) {
    if (has(state)) return state === "kept" && has("done") ? "done" : state;
  }
  if (has("done")) return has("pending") ? "running" : "done";
  return "pending";
}

/** How long a step took, or has taken so far. */
export function stepDuration(step: StepView, now: Date): string {
  if (step.begunAt === undefined) return "";
  return formatDuration(Math.max(0, (step.endedAt ?? now).getTime() - step.begunAt.getTime()));
}

/** From the first to the last step that began. */
export function stageDuration({ steps }: StageView, now: Date): string {
  const begun = steps.flatMap(({ begunAt }) => begunAt?.getTime() ?? []);
  if (begun.length === 0) return "";
  const ends = steps.flatMap((step) => (step.begunAt === undefined ? [] : (step.endedAt ?? now).getTime()));
  return formatDuration(Math.max(0, Math.max(...ends) - Math.min(...begun)));
}

export function elapsed(view: Pick<RunView, "createdAt" | "startedAt" | "endedAt">, now: Date): string {
  return formatDuration(
    Math.max(0, (view.endedAt ?? now).getTime() - (view.startedAt ?? view.createdAt).getTime()),
  );
}

export function verdictText({ decision, reason, by, stepId }: NonNullable<RunView["verdict"]>): string {
  const verb = { "roll-back": "rolls back", stop: "stops", fail: "fails" }[decision] ?? decision;
  const where = stepId === undefined ? "" : ` at ${stepId}`;
  return `${verb}${where}: ${reason} (decided by ${by})`;
}

/** "2m 04s late" */
export function lateText(ms: number): string {
  return `${formatDuration(ms)} late`;
}
