import { formatDuration } from "../../../src/lib/duration.ts";
import { releaseChange, shortHash } from "../../../src/report/release-change.ts";
import { elapsed, runMark, verdictText } from "../../../src/report/run-marks.ts";
import { nextStep, type RunView } from "../../../src/report/run-view.ts";
import { countdownText } from "../../../src/report/timeline-text.ts";
import { timeUntil } from "../../../src/report/watch-lines.ts";
import { StateMark, Time } from "../../parts/text.tsx";
import { now } from "../../state/now.ts";
import type { OpenRun, ShownRun } from "../../state/open-run.ts";
import { rollbackSummary } from "./rollback-panel.tsx";

/** Stays on screen: where, what, how it is, what comes by itself, and what going back would cost. */
export function RunHeader({ open, shown: { run, view } }: { open: OpenRun; shown: ShownRun }) {
  const mark = runMark(view);
  return (
    <section class={`run-head ${mark.paint}`} aria-label="Run">
      <div class="run-title">
        <h1>
          {view.environment} <span class="release">{releaseChange(view)}</span>
        </h1>
        <StateMark {...mark} />
        {view.purpose === "rollback" && <span class="badge">rollback</span>}
        {run.isEmergency && <span class="badge stop">emergency</span>}
        <span class="t-clock" aria-label="Time from T-0">
          {tClock(view)}
        </span>
      </div>
      <p class="run-facts">
        <span>
          run <code>{view.runId}</code>
        </span>
        <span>
          plan <code title={view.planHash}>{shortHash(view.planHash)}</code>
        </span>
        <span>by {view.createdBy}</span>
        <span>
          begun <Time at={view.startedAt ?? view.createdAt} />
        </span>
        <span>{elapsed(view, now.value)}</span>
        {view.takes > 1 && <span>taken over {view.takes - 1} times after a worker was lost</span>}
      </p>
      <p class="run-next">{nextText(open, view)}</p>
      <p class="run-loss">
        <a href="#going-back">{rollbackSummary(open, view)}</a>
      </p>
    </section>
  );
}

/** "T−00:12:30" before T-0, "T+…" after it. */
function tClock(view: RunView): string {
  const zero = view.zeroAt ?? (view.timeline.scheduled && new Date(view.timeline.scheduled.zeroAt));
  if (zero === undefined) return "T−--:--:--";
  const seconds = Math.trunc(((view.endedAt ?? now.value).getTime() - zero.getTime()) / 1000);
  const left = Math.abs(seconds);
  const part = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `T${seconds < 0 ? "−" : "+"}${part(left / 3600)}:${part((left % 3600) / 60)}:${part(left % 60)}`;
}

/** What happens next by itself, or how it ended. */
function nextText(open: OpenRun, view: RunView): string {
  if (view.state === "ended") return endText(view);
  if (view.verdict !== undefined) return verdictText(view.verdict);
  if (view.queuedFor !== undefined) return `waits with its place for ${view.queuedFor.window}`;
  if (view.queuedBehind !== undefined)
    return `queued behind run ${view.queuedBehind.run}, release ${view.queuedBehind.release}, by ${view.queuedBehind.by}`;
  if (view.state === "queued") return "waits for a worker to take it";
  const parts = [
    view.waitingFor === undefined ? undefined : `waits: ${view.waitingFor.text}`,
    lookText(open),
    countdownText(view.timeline, view.zeroAt, now.value),
    view.waitingFor === undefined ? nextStepText(view) : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}

function nextStepText(view: RunView): string | undefined {
  const next = nextStep(view);
  return next === undefined ? undefined : `then ${next.title}`;
}

/** When a watch looks again and when it ends. */
function lookText({ watched }: OpenRun): string | undefined {
  const report = watched.value.value?.steps
    .map((step) => step.report)
    .find((found) => found?.next !== undefined);
  if (report?.next === undefined) return undefined;
  const look = timeUntil(report.next.lookAtMs, now.value);
  return `next look ${look === "now" ? look : `in ${look}`}, the watch ends in ${timeUntil(report.endsAtMs, now.value)} unless a rule stops it`;
}

function endText({ verdict, endState, startedAt, endedAt }: RunView): string {
  const why = verdict === undefined ? "" : `${verdictText(verdict)} · `;
  const seen =
    endState === undefined ? "what is live was not looked at" : `${endState.verdict}: ${endState.reason}`;
  const took =
    startedAt === undefined || endedAt === undefined
      ? ""
      : ` · took ${formatDuration(endedAt.getTime() - startedAt.getTime())}`;
  return `${why}${seen}${took}`;
}
