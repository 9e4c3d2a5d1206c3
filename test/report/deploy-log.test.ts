import { describe, expect, it } from "vitest";
import type { Attempt } from "../../src/model/run.ts";
import { deployLog } from "../../src/report/deploy-log.ts";
import { sampleWatch } from "../cli/support/sample-watch.ts";
import {
  approved,
  at,
  beginning,
  eventsOf,
  rolledBack,
  sampleRun,
  waitingForApproval,
} from "../cli/support/sample-run.ts";

const attempts: Attempt[] = [
  {
    runId: "r0sample0001",
    stepId: "migrate",
    phase: "act",
    number: 1,
    state: "done",
    acted: true,
    reason: "2 migrations applied",
    result: {
      applied: [
        { version: "0001", name: "users", durationMs: 40 },
        { version: "0002", name: "orders", durationMs: 1200 },
      ],
    },
    begunAt: at(1),
    endedAt: at(4),
  },
];

describe("the deploy log", () => {
  it("says when, how long, by whom, what changed, each migration, the rollback and what went wrong", async () => {
    const events = eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack);
    const log = deployLog({ run: sampleRun(), events, attempts, watched: [] });
    await expect(`${log}\n`).toMatchFileSnapshot("goldens/deploy-log.md");
  });

  it("says of every rule what was seen, what shadow rules would have done, and how it was before", async () => {
    const watched = [sampleWatch(), { stepId: "later", title: "later", unknown: "it has not looked yet" }];
    const [errors] = watched[0]!.report!.rules;
    errors!.sources[0] = {
      ...errors!.sources[0]!,
      before: "0.2 % (6 of 3,000) in the 1h 00m before the plan",
      during: "1.2 % (12 of 1,000)",
    };
    const record = { run: sampleRun(), events: [], attempts: [], watched };
    const charts = new Map([[errors!.sources[0], "log (1)-errors.svg"]]);
    const parts = [deployLog(record), deployLog(record, charts)].map(
      (log) => /### Rules\n\n[^]*?(?=\n### )/.exec(log)![0],
    );
    await expect(parts.join("\n---\n\n")).toMatchFileSnapshot("goldens/rules-section.md");
  });

  it("can be made of a run that has not begun", () => {
    const log = deployLog({ run: sampleRun({ state: "queued" }), events: [], attempts: [], watched: [] });
    expect(log).toContain("- **Outcome:** not ended: queued");
    expect(log).toContain("### Rollback\n\nNone.");
  });

  it("lets no text of others become Markdown or HTML", () => {
    const events = eventsOf(...beginning, [
      "step.failed",
      { stepId: "migrate", reason: "a|b <script> [x](y) `z`" },
      9,
    ]);
    expect(deployLog({ run: sampleRun(), events, attempts: [], watched: [] })).toContain(
      "a\\|b \\<script\\> \\[x\\](y) \\`z\\`",
    );
  });
});
