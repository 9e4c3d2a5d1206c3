import { describe, expect, it } from "vitest";
import type { Attempt } from "../../src/model/run.ts";
import { deployLog } from "../../src/report/deploy-log.ts";
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
    const log = deployLog(sampleRun(), events, attempts);
    await expect(`${log}\n`).toMatchFileSnapshot("goldens/deploy-log.md");
  });

  it("can be made of a run that has not begun", () => {
    const log = deployLog(sampleRun({ state: "queued" }), [], []);
    expect(log).toContain("- **Outcome:** not ended: queued");
    expect(log).toContain("### Rollback\n\nNone.");
  });

  it("lets no text of others become Markdown or HTML", () => {
    const events = eventsOf(...beginning, [
      "step.failed",
      { stepId: "migrate", reason: "a|b <script> [x](y) `z`" },
      9,
    ]);
    expect(deployLog(sampleRun(), events, [])).toContain("a\\|b \\<script\\> \\[x\\](y) \\`z\\`");
  });
});
