import { useRoute } from "preact-iso/router";
import { useEffect, useMemo, useState } from "preact/hooks";
import { currentStep, stepsIn } from "../../../src/report/run-view.ts";
import { onNews } from "../../state/live.ts";
import { openRun, type OpenRun } from "../../state/open-run.ts";
import { Problem, Quiet } from "../../parts/text.tsx";
import { Board } from "./board.tsx";
import { Controls } from "./controls.tsx";
import { Happened } from "./happened.tsx";
import { RunHeader } from "./run-header.tsx";
import { RollbackPanel } from "./rollback-panel.tsx";
import { Spine } from "./spine.tsx";
import { StepPanel } from "./step-panel.tsx";
import { WatchPanels } from "./watch-panels.tsx";

/** One run: what it does, what it waits for, what going back would do, and the proof of every step. */
export function RunPage() {
  const { params } = useRoute();
  const id = params.id ?? "";
  const run = useMemo(() => openRun(id), [id]);
  useEffect(() => {
    const stop = onNews({
      event: (event) => (event.runId === run.shown.peek()?.run.id ? run.hear(event) : undefined),
      reload: () => run.reload(),
    });
    return () => {
      stop();
      run.close();
    };
  }, [run]);
  return <ShownRun key={id} open={run} />;
}

function ShownRun({ open }: { open: OpenRun }) {
  const [chosen, choose] = useState<string | undefined>(undefined);
  const shown = open.shown.value;
  if (shown === undefined)
    return (
      <>
        <h1>Run {open.id}</h1>
        <Problem error={open.problem.value} />
        {open.problem.value === undefined && <Quiet>Looking …</Quiet>}
      </>
    );
  const { view } = shown;
  const selected = stepsIn(view).find(({ id }) => id === chosen) ?? currentStep(view) ?? failedStep(view);
  const isBeforeZero = view.zeroAt === undefined && view.state !== "ended";
  return (
    <div class="run">
      <RunHeader open={open} shown={shown} />
      <div class="run-side">
        <Controls open={open} shown={shown} />
        <RollbackPanel open={open} view={view} />
      </div>
      <div class="run-hero">
        <Problem error={open.problem.value} />
        {isBeforeZero && <Board plan={shown.run.plan} isHero />}
        <WatchPanels open={open} view={view} />
      </div>
      <Spine shown={shown} selected={selected?.id} choose={choose} />
      <div class="run-rest">
        {selected !== undefined && <StepPanel key={selected.id} shown={shown} step={selected} />}
        {!isBeforeZero && <Board plan={shown.run.plan} isHero={false} />}
        <Happened events={shown.events} runId={open.id} />
      </div>
    </div>
  );
}

function failedStep(view: Parameters<typeof stepsIn>[0]) {
  return stepsIn(view).find(({ failure }) => failure !== undefined) ?? stepsIn(view).at(-1);
}
