import { describe, expect, it } from "vitest";
import { renderTree } from "../../../src/cli/output/tree.ts";
import { styleFor } from "../../../src/cli/output/style.ts";
import { plainStyle, widthOf } from "../../../src/report/text.ts";
import { viewOf, type RunView } from "../../../src/report/run-view.ts";
import {
  approved,
  at,
  beginning,
  eventsOf,
  rolledBack,
  sampleRun,
  succeeded,
  waitingForApproval,
} from "../support/sample-run.ts";
import { sampleWatch } from "../support/sample-watch.ts";

type Rows = Parameters<typeof eventsOf>;
const queued: Rows[number] = [
  "run.queued",
  {
    holder: "r0other00001",
    holderRelease: "v9",
    holderPlan: "abcdef0123456789",
    holderBy: "ben",
    holderAge: "3m 00s",
  },
  1,
];

const stories: Record<string, { rows: Rows; seconds: number }> = {
  queued: { rows: [beginning[0]!, queued], seconds: 31 },
  running: { rows: beginning.slice(0, 6), seconds: 3 },
  waiting: { rows: [...beginning, ...waitingForApproval], seconds: 34 },
  held: {
    rows: [
      ...beginning,
      ["run.held", { by: "ben" }, 5],
      ["step.waiting", { for: "decision", text: "held by ben; go on with: tminus resume r0sample0001" }, 5],
    ],
    seconds: 9,
  },
  "rolling-back": {
    rows: [...beginning, ...waitingForApproval, ...approved, ...rolledBack.slice(0, 8)],
    seconds: 77,
  },
  "rolled-back": { rows: [...beginning, ...waitingForApproval, ...approved, ...rolledBack], seconds: 200 },
  succeeded: { rows: [...beginning, ...waitingForApproval, ...approved, ...succeeded], seconds: 200 },
};

function viewFor(name: string): RunView {
  return viewOf(sampleRun(), eventsOf(...stories[name]!.rows));
}

describe("the tree of a run", () => {
  it.each(
    Object.keys(stories).flatMap(
      (name) =>
        [
          [name, 100],
          [name, 40],
        ] as const,
    ),
  )("looks as agreed: %s at %i columns", async (name, columns) => {
    const lines = renderTree(viewFor(name), at(stories[name]!.seconds), { columns, style: plainStyle });
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`goldens/tree-${name}-${columns}.txt`);
  });

  const watching = viewOf(
    sampleRun(),
    eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack.slice(0, 5)),
  );

  it.each([100, 80, 40])("shows the rules that the step at work watches, at %i columns", async (columns) => {
    const blind = {
      rules: ["memory"],
      sinceMs: at(35).getTime(),
      consequence: { text: "a person is asked", atMs: at(635).getTime() },
    };
    const watched = [sampleWatch({ next: { lookAtMs: at(87).getTime(), blind } })];
    const view = { ...watching, zeroAt: at(61) };
    const lines = renderTree(view, at(75), { columns, style: plainStyle, watched });
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`goldens/tree-watching-${columns}.txt`);
  });

  it("shows no rules of a step that is over", () => {
    const view = viewFor("rolled-back");
    const options = { columns: 100, style: plainStyle };
    expect(renderTree(view, at(200), { ...options, watched: [sampleWatch()] })).toEqual(
      renderTree(view, at(200), options),
    );
  });

  it("folds what is not at work, and then cuts, to fit the screen", () => {
    const view = viewFor("rolling-back");
    const at77 = at(77);
    for (let rows = 4; rows < 16; rows++) {
      const lines = renderTree(view, at77, { columns: 60, rows, style: plainStyle });
      expect(lines.length).toBeLessThanOrEqual(rows);
    }
    const folded = renderTree(view, at77, { columns: 100, rows: 9, style: plainStyle }).join("\n");
    expect(folded).toContain("canary");
    expect(folded).not.toContain("migrate");
  });

  it("has the same words with and without colours", () => {
    const coloured = renderTree(viewFor("rolled-back"), at(200), {
      columns: 100,
      style: styleFor(true, true, {}),
    });
    const plain = renderTree(viewFor("rolled-back"), at(200), { columns: 100, style: plainStyle });
    // oxlint-disable-next-line no-control-regex -- colours are what is compared without
    expect(coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, ""))).toEqual(plain);
    expect(coloured.join("")).toContain("\u001b[");
  });
});

describe("colours", () => {
  it("come only on a terminal that has them for a person who wants them", () => {
    expect(styleFor(true, true, {})).not.toBe(plainStyle);
    expect(styleFor(false, true, {})).toBe(plainStyle);
    expect(styleFor(true, false, {})).toBe(plainStyle);
    expect(styleFor(true, true, { NO_COLOR: "1" })).toBe(plainStyle);
    expect(styleFor(true, true, { TERM: "dumb" })).toBe(plainStyle);
  });
});
