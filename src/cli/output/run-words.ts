import { formatDuration } from "../../lib/duration.ts";
import { releaseChange, shortHash } from "../../report/plan-text.ts";
import type { RunView, StageView, StepState, StepView } from "../../report/run-view.ts";
import type { Paint } from "../../report/text.ts";
import type { RunOutcome, RunState } from "../../model/run.ts";
import { usualDecisions, type DecisionWord } from "../../model/decision.ts";
import type { WaitingFor } from "../../model/step-kind.ts";

/** The words, signs and colours in which runs are told, the same in the tree, in lines and in status. */

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

/** What the run waits for, and the command that answers it. */
export function waitingText(runId: string, waiting: WaitingFor & { stepId?: string }, now: Date): string {
  const until = waiting.until === undefined ? "" : ` (until ${momentText(new Date(waiting.until), now)})`;
  const what = `${waiting.text}${until}`;
  const answer = answerTo(runId, waiting);
  return answer === "" || what.includes("tminus ") ? what : `${what} → ${answer}`;
}

type AskedFor = { for: string; stepId?: string; answers?: readonly DecisionWord[] };

/** The command that ends the wait, or "" when only time does. */
export function answerTo(runId: string, { for: what, stepId, answers = usualDecisions }: AskedFor): string {
  switch (what) {
    case "approval":
      return `tminus approve ${runId}${stepId === undefined ? "" : ` --step ${stepId}`}`;
    case "attestation":
      return `tminus ack <item> ${runId}`;
    case "decision":
      return stepId === undefined
        ? `tminus resume ${runId}`
        : `tminus resume ${runId} --as ${answers.join("|")}`;
    default:
      return "";
  }
}

export function queuedText(view: RunView, now: Date): string {
  if (view.queuedFor !== undefined) {
    const waited = formatDuration(Math.max(0, now.getTime() - view.queuedFor.since.getTime()));
    return `waits with its place for ${view.queuedFor.window}; for ${waited}`;
  }
  const behind = view.queuedBehind;
  if (behind === undefined) return "waits for a worker to take it";
  const since = formatDuration(Math.max(0, now.getTime() - behind.since.getTime()));
  const holder = `queued behind run ${behind.run} (release ${behind.release}, plan ${shortHash(behind.plan)}`;
  return `${holder}, started by ${behind.by}, ${behind.age} old when this run came), for ${since}; look at it: tminus watch ${behind.run}`;
}

export function verdictText({ decision, reason, by, stepId }: NonNullable<RunView["verdict"]>): string {
  const verb = { "roll-back": "rolls back", stop: "stops", fail: "fails" }[decision] ?? decision;
  const where = stepId === undefined ? "" : ` at ${stepId}`;
  return `${verb}${where}: ${reason} (decided by ${by})`;
}

/** The last sentence about a run: how it ended and what was seen. */
export function outcomeText(view: RunView): string {
  const reason = view.verdict === undefined ? "" : `: ${view.verdict.reason}`;
  const seen =
    view.endState === undefined ? "" : `; end state ${view.endState.verdict}: ${view.endState.reason}`;
  const cure = view.cure === undefined || view.cure.verdict === "pass" ? "" : `; ${view.cure.reason}`;
  const lock = view.isLocked ? `; ${lockedText(view)}` : "";
  return `${releaseChange(view)}${reason}${cure}${seen}${lock}`;
}

/** That nothing more is deployed after this run, or who said that it may be. */
export function lockedText({ environment, unlocked }: RunView): string {
  return unlocked === undefined
    ? `${environment} is locked; let deploys in again with: tminus unlock ${environment} --reason "<why>"`
    : `${environment} was unlocked by ${unlocked.by}: ${unlocked.reason}`;
}

/** "2m 04s late" */
export function lateText(ms: number): string {
  return `${formatDuration(ms)} late`;
}

/** "10:02:41Z" */
export function clockTime(at: Date): string {
  return Number.isNaN(at.getTime()) ? "an unknown time" : `${at.toISOString().slice(11, 19)}Z`;
}

/** The time alone for a moment of today, else with its date. */
function momentText(at: Date, now: Date): string {
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) === now.toISOString().slice(0, 10))
    return clockTime(at);
  return `${at.toISOString().slice(0, 16).replace("T", " ")}Z`;
}
