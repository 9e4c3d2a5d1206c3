import { formatDuration } from "../../src/lib/duration.ts";
import { releaseChange } from "../../src/report/release-change.ts";
import { runMark } from "../../src/report/run-marks.ts";
import type { RunSummary } from "../../src/server/contract/run.ts";
import { now } from "../state/now.ts";
import { StateMark, Time } from "./text.tsx";

/** A run as one line that leads to it. */
export function RunRow({ run, withEnvironment = true }: { run: RunSummary; withEnvironment?: boolean }) {
  return (
    <a class="row" data-row href={`/runs/${run.id}`}>
      <StateMark {...runMark(run)} />
      <span class="row-main">
        {withEnvironment && <strong>{run.environment}</strong>}
        <span class="release">{releaseChange(run)}</span>
        {run.purpose === "rollback" && <span class="badge">rollback</span>}
        {run.isEmergency && <span class="badge stop">emergency</span>}
        {run.verdict !== undefined && <span class="why">{run.verdict.reason}</span>}
        {run.waitingFor !== undefined && run.state !== "ended" && (
          <span class="why">{run.waitingFor.text}</span>
        )}
      </span>
      <span class="row-end">
        <Time at={run.createdAt} /> · {lengthOf(run)} · {run.createdBy} <code>{run.id}</code>
      </span>
    </a>
  );
}

function lengthOf({ createdAt, startedAt, endedAt }: RunSummary): string {
  const end = endedAt === undefined ? now.value.getTime() : Date.parse(endedAt);
  return formatDuration(Math.max(0, end - Date.parse(startedAt ?? createdAt)));
}
