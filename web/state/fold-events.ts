import type { RunEvent } from "../../src/model/run.ts";
import { applyEvent, type RunView, type StageView } from "../../src/report/run-view.ts";

/** The view after further events, in order. It is a new one, and so is every stage and step in it: who shows the one before, or a part of it, sees that it changed. */
export function foldEvents(view: RunView, events: readonly RunEvent[]): RunView {
  const next: RunView = {
    ...view,
    stages: view.stages.map(copyOf),
    said: [...view.said],
    paged: [...view.paged],
  };
  for (const event of events) applyEvent(next, event);
  return next;
}

function copyOf(stage: StageView): StageView {
  return { ...stage, steps: stage.steps.map((step) => ({ ...step, evidence: { ...step.evidence } })) };
}
