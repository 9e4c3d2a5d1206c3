import { describe, expect, it } from "vitest";
import { renderTable, reportRelease, tallyOf } from "../../src/demo/report.ts";
import type { Attempt, Run } from "../../src/model/run.ts";
import type { LoadFigures } from "../../src/testing/load-figures.ts";
import type { LoadReport } from "../../src/testing/load-generator.ts";

function figures(change: Partial<LoadFigures>): LoadFigures {
  return { requests: 0, failed: 0, firstBadAt: null, lastBadAt: null, ...change } as LoadFigures;
}

function load(
  startedAt: number,
  total: Partial<LoadFigures>,
  byRelease: Record<string, Partial<LoadFigures>> = {},
): LoadReport {
  const releases = Object.entries(byRelease).map(([name, change]) => [name, figures(change)]);
  return { startedAt, total: figures(total), byRelease: Object.fromEntries(releases) } as LoadReport;
}

const rolledBack = {
  run: { outcome: "rolled-back", verdict: { stepId: "watch", at: new Date(12_000).toISOString() } } as Run,
  attempts: [{ stepId: "watch", phase: "act", begunAt: new Date(9_000) }] as Attempt[],
};
const succeeded = { run: { outcome: "succeeded" } as Run, attempts: [] };

describe("the demo's table", () => {
  it("counts what ended during the release's run, and times the decision from the first bad response", () => {
    const before = tallyOf(load(5, { requests: 100, failed: 1 }));
    const after = load(5, { requests: 400, failed: 5 }, { v3: { firstBadAt: 10_000, lastBadAt: 12_500 } });
    expect(reportRelease("v3", rolledBack, before, after)).toEqual({
      release: "v3",
      outcome: "rolled_back",
      requests: 300,
      failed: 4,
      decidedAfterMs: 2_000,
      watchedForMs: 3_000,
      badMs: 2_500,
    });
  });

  it("counts from zero when the customers had to be started again", () => {
    const before = tallyOf(load(5, { requests: 100, failed: 1 }));
    const report = reportRelease("v2", succeeded, before, load(9, { requests: 40 }));
    expect(report).toMatchObject({
      outcome: "succeeded",
      requests: 40,
      failed: 0,
      decidedAfterMs: null,
      watchedForMs: null,
      badMs: 0,
    });
  });

  it("lines up its columns", () => {
    const good = { decidedAfterMs: null, watchedForMs: null, badMs: 0 };
    const bad = { decidedAfterMs: 2_230, watchedForMs: 2_900, badMs: 1_500 };
    const lines = renderTable([
      { release: "v1", outcome: "succeeded", requests: 2684, failed: 0, ...good },
      { release: "v3", outcome: "rolled_back", requests: 7, failed: 4, ...bad },
    ]);
    expect(lines).toEqual([
      "release  outcome      requests  failed  decided after  bad responses for",
      "v1       succeeded    2684      0       –              –",
      "v3       rolled back  7         4       2.2 s          1.5 s",
    ]);
  });
});
