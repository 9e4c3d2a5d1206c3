import { formatDuration } from "../../lib/duration.ts";
import type { RunEvent } from "../../model/run.ts";
import { releaseChange, shortHash } from "../../report/release-change.ts";
import { currentStep, stepsIn, type RunView, type StepView } from "../../report/run-view.ts";
import { countdownText } from "../../report/timeline-text.ts";
import { lateText, runMark, stepDuration, stepMarks, verdictText } from "../../report/run-marks.ts";
import { clockTime, lockedText, outcomeText, queuedText, waitingText } from "./run-words.ts";

/**
 * One line for an event that changed something, or undefined for one that did not. `view` is the view after
 * the event. Pure; never coloured, because it goes to logs.
 */
export function eventLine(view: RunView, event: RunEvent): string | undefined {
  const text = sentenceOf(view, event);
  return text === undefined ? undefined : `${clockTime(event.at)}  ${text}`;
}

/**
 * One line that says what a run is busy with, for when nothing else was printed for a while; without what the step said
 * last where more about it follows.
 */
export function heartbeatLine(view: RunView, now: Date, isExplained = false): string {
  const countdown = view.verdict === undefined ? countdownText(view.timeline, view.zeroAt, now) : undefined;
  const time = countdown === undefined ? "" : `${countdown}; `;
  return `${clockTime(now)}  … ${time}${activity(view, now, isExplained)}`;
}

function sentenceOf(view: RunView, event: RunEvent): string | undefined {
  const step = stepsIn(view).find(({ id }) => id === event.data.stepId);
  switch (event.type) {
    case "run.created":
      return `run ${view.runId} created: ${releaseChange(view)} on ${view.environment} · ${view.project} by ${view.createdBy}, plan ${shortHash(view.planHash)}`;
    case "run.queued":
      return `○ ${queuedText(view, event.at)}`;
    case "run.taken":
      if (view.takes <= 1) return undefined;
      return view.isOtherWorker
        ? "● taken over by another worker; the run goes on where it stood"
        : "● taken up again after an error, which is in worker.log in the state folder";
    case "run.started":
      return "● started";
    case "run.held":
      return "◆ held";
    case "run.resumed":
      return "● resumed";
    case "run.zero":
      return typeof event.data.at === "string" ? `● T-0 is at ${event.data.at}` : "● T-0";
    case "run.verdict":
      return view.verdict === undefined ? undefined : `↶ ${verdictText(view.verdict)}`;
    case "run.cure":
      return view.cure === undefined
        ? undefined
        : `↶ after the rollback: ${view.cure.verdict}, ${view.cure.reason}`;
    case "run.paged":
      return pagedText(view);
    case "run.ended":
      return `${runMark(view).icon} ${runMark(view).word}  ${outcomeText(view)}`;
    case "run.unlocked":
      return `▸ ${lockedText(view)}`;
    case "run.unanchored":
      return `! the history could not be written down outside: ${view.unanchored?.reason ?? ""}`;
    case "stage.started":
      return `stage ${view.stages.find(({ id }) => id === event.data.stage)?.title ?? ""}`;
    case "step.late":
      return step?.lateMs === undefined ? undefined : `! ${step.id} begins ${lateText(step.lateMs)}`;
    case "step.waiting":
      return view.waitingFor === undefined
        ? undefined
        : `◆ waiting: ${waitingText(view.runId, view.waitingFor, event.at)}`;
    case "signal.received":
      return saidText(view);
    case "stage.ended":
    case "step.observed":
    case "step.continued":
    case "step.progress":
      return undefined;
    case "step.begun":
    case "step.done":
    case "step.failed":
    case "step.parked":
    case "undo.begun":
    case "undo.done":
    case "undo.failed":
    case "undo.skipped":
      // A failed step that stays as it is was told when it failed.
      if (step === undefined || (event.type === "undo.skipped" && step.state === "failed")) return undefined;
      return stepText(step, event);
  }
}

function stepText(step: StepView, { type, at }: RunEvent): string {
  const { icon, word } = stepMarks[step.state];
  const name = step.title === step.id ? step.id : `${step.id} (${step.title})`;
  const duration = type === "step.done" || type === "step.failed" ? ` in ${stepDuration(step, at)}` : "";
  const tries = step.state === "running" && step.tries > 1 ? ` again (try ${step.tries})` : "";
  const reason = step.reason === "" ? "" : `: ${step.reason}`;
  return `${icon} ${name} ${word}${duration}${tries}${reason}`;
}

function pagedText({ paged }: RunView): string | undefined {
  const last = paged.at(-1);
  if (last === undefined) return undefined;
  return last.failure === undefined
    ? `! paged ${last.channel}: ${last.title}`
    : `✗ ${last.channel} was not reached (${last.failure}): ${last.title}`;
}

function saidText(view: RunView): string | undefined {
  const last = view.said.at(-1);
  if (last === undefined) return undefined;
  const target = last.target === "" ? "" : ` ${last.target}`;
  const note = last.note === "" ? "" : `: ${last.note}`;
  return `▸ ${last.actor}: ${last.kind}${target}${note}`;
}

function activity(view: RunView, now: Date, isExplained: boolean): string {
  if (view.state === "queued") return queuedText(view, now);
  const waiting =
    view.waitingFor === undefined ? "" : `waits for: ${waitingText(view.runId, view.waitingFor, now)}`;
  const step = currentStep(view);
  if (step === undefined) {
    if (waiting !== "") return waiting;
    if (view.state !== "rolling-back") return `${view.state}, between steps`;
    const since =
      view.verdict === undefined ? "" : ` for ${formatDuration(now.getTime() - view.verdict.at.getTime())}`;
    return `rolling back${since}: observing the service and verifying the end state`;
  }
  const parts = [`${step.id} (${step.kind}) ${stepMarks[step.state].word} ${stepDuration(step, now)}`.trim()];
  if (step.progress !== "" && !isExplained) parts.push(`last: ${step.progress}`);
  if (waiting !== "") parts.push(waiting);
  return parts.join("; ");
}
