import { formatDuration } from "../../lib/duration.ts";
import { releaseChange, shortHash } from "../../report/release-change.ts";
import type { RunView } from "../../report/run-view.ts";
import { usualDecisions, type DecisionWord } from "../../model/decision.ts";
import type { WaitingFor } from "../../model/step-kind.ts";

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
