import type { RollbackLineResource } from "../../../src/server/contract/run.ts";
import type { RunView } from "../../../src/report/run-view.ts";
import { stepMarks, type Mark } from "../../../src/report/run-marks.ts";
import { clockText, Panel, Problem, Quiet, StateMark } from "../../parts/text.tsx";
import type { OpenRun } from "../../state/open-run.ts";

const marks: Readonly<Record<RollbackLineResource["what"], Mark>> = {
  undo: { icon: "↶", word: "undo", paint: "cyan" },
  keep: { icon: "=", word: "keep", paint: "dim" },
  refuse: { icon: "✗", word: "refused", paint: "red" },
  unknown: { icon: "?", word: "unknown", paint: "yellow" },
};

/** Always there: what going back from here would do, in its order, and what that would lose. */
export function RollbackPanel({ open, view }: { open: OpenRun; view: RunView }) {
  const lines = open.rollback.value.value?.lines;
  if (view.state === "ended")
    return (
      <Panel title="Going back" class="going-back">
        <div id="going-back" />
        <Went view={view} />
      </Panel>
    );
  return (
    <Panel
      title="Rolling back from here"
      class="going-back"
      aside={lines === undefined ? undefined : `as of ${clockText(open.rollback.atMs.value)}`}
    >
      <div id="going-back" />
      <Problem error={open.rollback.problem.value} />
      <p class="loss">{previewSummary(lines)}</p>
      <ol class="undo-lines">
        {lines?.map(({ stepId, title, what, text, rowsLost }) => (
          <li key={stepId}>
            <StateMark {...marks[what]} /> <strong>{title}</strong>
            <p>
              {text}
              {rowsLost !== null && rowsLost > 0 && (
                <strong class="red"> loses {rowsLost.toLocaleString("en-US")} rows</strong>
              )}
            </p>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

/** In one sentence, for the header. */
export function rollbackSummary({ rollback }: OpenRun, view: RunView): string {
  if (view.state === "ended") return wentSummary(view);
  return `rolling back from here: ${previewSummary(rollback.value.value?.lines)}`;
}

function previewSummary(lines: readonly RollbackLineResource[] | undefined): string {
  if (lines === undefined) return "looking …";
  if (lines.length === 0) return "nothing to undo yet";
  const count = (what: RollbackLineResource["what"]): number =>
    lines.filter((line) => line.what === what).length;
  const lost = lines.reduce((sum, { rowsLost }) => sum + (rowsLost ?? 0), 0);
  const parts = [
    count("undo") > 0 ? `${count("undo")} undone` : "nothing to undo",
    ...(count("keep") > 0 ? [`${count("keep")} kept`] : []),
    ...(count("refuse") > 0 ? [`${count("refuse")} refused`] : []),
    ...(count("unknown") > 0 ? [`${count("unknown")} not known`] : []),
    lost > 0 ? `loses ${lost.toLocaleString("en-US")} rows` : "no row known to be lost",
  ];
  return parts.join(", ");
}

function wentSummary(view: RunView): string {
  const undone = view.stages.flatMap(({ steps }) => steps).filter(({ state }) => state === "undone").length;
  if (view.notUndone.length > 0) return `${view.notUndone.length} steps could not be undone`;
  return undone === 0 ? "nothing was undone" : `${undone} steps undone, ${view.kept.length} kept`;
}

function Went({ view }: { view: RunView }) {
  const undone = view.stages.flatMap(({ steps }) => steps).filter(({ state }) => state === "undone");
  return (
    <>
      {view.verdict === undefined && view.outcome === "succeeded" && (
        <Quiet>
          To go back to the release before, make a plan:{" "}
          <a
            href={`/plan?environment=${encodeURIComponent(view.environment)}&purpose=rollback&release=${encodeURIComponent(view.previousRelease ?? "")}`}
          >
            roll back {view.environment}
          </a>
        </Quiet>
      )}
      <ol class="undo-lines">
        {view.notUndone.map(({ stepId, reason }) => (
          <li key={stepId}>
            <StateMark {...stepMarks["undo-failed"]} /> <strong>{stepId}</strong>
            <p>{reason}</p>
          </li>
        ))}
        {undone.map(({ id, title, reason }) => (
          <li key={id}>
            <StateMark {...stepMarks.undone} /> <strong>{title}</strong>
            <p>{reason}</p>
          </li>
        ))}
        {view.kept.map(({ stepId, reason }) => (
          <li key={stepId}>
            <StateMark {...stepMarks.kept} /> <strong>{stepId}</strong>
            <p>{reason}</p>
          </li>
        ))}
      </ol>
      {view.cure !== undefined && (
        <p>
          after the rollback: {view.cure.verdict}, {view.cure.reason}
        </p>
      )}
    </>
  );
}
