import { formatOffset } from "../../../src/lib/duration.ts";
import { momentsOf, zeroStepOf } from "../../../src/model/timeline.ts";
import type { PlannedStep } from "../../../src/model/plan.ts";
import {
  lateText,
  stageDuration,
  stageState,
  stepDuration,
  stepMarks,
} from "../../../src/report/run-marks.ts";
import type { RunView, StageView, StepState, StepView } from "../../../src/report/run-view.ts";
import { Panel, StateMark, Time } from "../../parts/text.tsx";
import { now } from "../../state/now.ts";
import type { ShownRun } from "../../state/open-run.ts";

interface SpineProps {
  shown: ShownRun;
  selected: string | undefined;
  choose: (stepId: string) => void;
}

/** All steps along the time from T-0: those that began by when they did, the others by the plan. */
export function Spine({ shown: { view, run, planned }, selected, choose }: SpineProps) {
  const zero = zeroStepOf(run.plan)?.id;
  const offsets = new Map(momentsOf(view.timeline).map(({ step, offsetMs }) => [step, offsetMs]));
  return (
    <Panel title="Timeline" class="spine-panel">
      <ol class="spine">
        {view.stages.map((stage) => (
          <li key={stage.id} class={`stage ${aheadClass(stageState(stage))}`}>
            <StageHead stage={stage} />
            <ol>
              {stage.steps.map((step) => (
                <li key={step.id} class={`step ${stepMarks[step.state].paint} ${aheadClass(step.state)}`}>
                  {step.id === zero && <ZeroMark view={view} />}
                  <StepButton
                    step={step}
                    planned={planned.get(step.id)}
                    offset={offsetText(step, view.zeroAt, offsets.get(step.id))}
                    isSelected={step.id === selected}
                    choose={choose}
                  />
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

/** The run has not come so far yet. */
function aheadClass(state: StepState): string {
  return state === "pending" ? "ahead" : "";
}

function StageHead({ stage }: { stage: StageView }) {
  return (
    <h3 class="stage-head">
      <span>{stage.title}</span>
      <StateMark {...stepMarks[stageState(stage)]} />
      <span class="quiet">
        {stage.risk} risk {stageDuration(stage, now.value)}
      </span>
    </h3>
  );
}

function ZeroMark({ view: { zeroAt, timeline } }: { view: RunView }) {
  const planned = timeline.scheduled?.zeroAt;
  return (
    <p class="zero">
      <strong class="offset">T−0</strong>
      {zeroAt !== undefined ? <Time at={zeroAt} /> : planned !== undefined ? <Time at={planned} /> : "ahead"}
    </p>
  );
}

interface StepButtonProps {
  step: StepView;
  planned: PlannedStep | undefined;
  offset: string;
  isSelected: boolean;
  choose: (stepId: string) => void;
}

function StepButton({ step, planned, offset, isSelected, choose }: StepButtonProps) {
  const { id, title, kind, state, tries, lateMs } = step;
  const duration = stepDuration(step, now.value);
  const said =
    state === "running" || state === "waiting" || state === "undoing" ? step.progress : step.reason;
  return (
    <button type="button" class="step-button" data-row aria-pressed={isSelected} onClick={() => choose(id)}>
      <span class="offset">{offset}</span>
      <span class="step-main">
        <span class="step-title">{title === id ? id : title}</span>
        <span class="step-facts">
          <StateMark {...stepMarks[state]} />
          {duration !== "" && <span>{duration}</span>}
          {tries > 1 && <span class="yellow">try {tries}</span>}
          {lateMs !== undefined && <span class="yellow">{lateText(lateMs)}</span>}
          <span class="quiet">{kind}</span>
          {planned?.risk === "high" && <span class="badge stop">high risk</span>}
          {planned?.undo.how === "irreversible" && <span class="badge">cannot be undone</span>}
        </span>
        {said !== "" && <span class="said">{said}</span>}
      </span>
    </button>
  );
}

/** From T-0: "T+02:14" of a step that began, "T-30m" of one that has its moment by the plan. */
function offsetText({ begunAt }: StepView, zeroAt: Date | undefined, plannedMs: number | undefined): string {
  if (begunAt !== undefined && zeroAt !== undefined) {
    const ms = begunAt.getTime() - zeroAt.getTime();
    const left = Math.round(Math.abs(ms) / 1000);
    const part = (value: number): string => String(Math.floor(value)).padStart(2, "0");
    const hours = left >= 3600 ? `${part(left / 3600)}:` : "";
    return `T${ms < 0 ? "−" : "+"}${hours}${part((left % 3600) / 60)}:${part(left % 60)}`;
  }
  return plannedMs === undefined ? "" : formatOffset(plannedMs).replace("T-", "T−");
}
