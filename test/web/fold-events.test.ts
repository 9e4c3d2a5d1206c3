import { describe, expect, it } from "vitest";
import { newRunView, viewOf } from "../../src/report/run-view.ts";
import { foldEvents } from "../../web/state/fold-events.ts";
import { beginning, eventsOf, rolledBack, sampleRun } from "../cli/support/sample-run.ts";

describe("events folded into a view that is shown", () => {
  const events = eventsOf(...beginning, ...rolledBack);

  it("come to what the command line shows of them", () => {
    let view = newRunView(sampleRun());
    for (const event of events) view = foldEvents(view, [event]);
    expect(view).toEqual(viewOf(sampleRun(), events));
  });

  it("leave the view before as it was, so that whoever shows a part of it sees that it changed", () => {
    const before = viewOf(sampleRun(), events.slice(0, 5));
    const kept = structuredClone({ ...before, timeline: undefined });
    const after = foldEvents(before, events.slice(5));
    expect({ ...before, timeline: undefined }).toEqual(kept);
    expect(after).not.toBe(before);
    for (const [index, stage] of after.stages.entries())
      for (const [at, step] of stage.steps.entries()) expect(step).not.toBe(before.stages[index]!.steps[at]);
  });
});
