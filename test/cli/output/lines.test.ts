import { describe, expect, it } from "vitest";
import { eventLine, heartbeatLine } from "../../../src/cli/output/lines.ts";
import { applyEvent, newRunView, viewOf } from "../../../src/report/run-view.ts";
import {
  approved,
  at,
  beginning,
  eventsOf,
  rolledBack,
  sampleRun,
  waitingForApproval,
} from "../support/sample-run.ts";

describe("the printed log of a run", () => {
  it("has one line for each change and none for progress", async () => {
    const view = newRunView(sampleRun());
    const lines: string[] = [];
    const queued = [
      "run.queued",
      {
        holder: "r0other00001",
        holderRelease: "v9",
        holderPlan: "abcdef0123456789",
        holderBy: "ben",
        holderAge: "3m 00s",
      },
      0,
    ] as const;
    const events = eventsOf(
      beginning[0]!,
      [...queued],
      ...beginning.slice(1),
      ...waitingForApproval,
      ...approved,
      ...rolledBack,
    );
    for (const event of events) {
      applyEvent(view, event);
      const line = eventLine(view, event);
      if (line !== undefined) lines.push(line);
    }
    expect(lines.join("\n")).not.toContain("1 of 2 files");
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("goldens/lines.txt");
  });

  it("names step, elapsed time and last progress in a heartbeat", () => {
    const view = viewOf(sampleRun(), eventsOf(...beginning.slice(0, 6)));
    expect(heartbeatLine(view, at(31))).toBe(
      "10:00:31Z  … migrate (db.migrate) running 30 s; last: 1 of 2 files",
    );
  });

  it("says in a heartbeat what is waited for and what answers it", () => {
    const view = viewOf(sampleRun(), eventsOf(...beginning, ...waitingForApproval));
    expect(heartbeatLine(view, at(34))).toBe(
      "10:00:34Z  … ok (approve) waiting 30 s; waits for: 1 more approval is needed for plan 12ab → tminus approve r0sample0001 --step ok",
    );
  });

  it("names the words that answer a question, where it says which", () => {
    const asked = (more: object): string =>
      heartbeatLine(
        viewOf(
          sampleRun(),
          eventsOf(...beginning, [
            "step.waiting",
            { stepId: "ok", for: "decision", text: "too little was seen", ...more },
            5,
          ]),
        ),
        at(34),
      );
    expect(asked({})).toMatch(/→ tminus resume r0sample0001 --as done\|retry\|failed$/);
    expect(asked({ answers: ["done", "extend", "nonsense"] })).toMatch(/ --as done\|extend$/);
  });

  it("has a heartbeat also between the last compensation and the end", () => {
    const view = viewOf(
      sampleRun(),
      eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack.slice(0, 12)),
    );
    expect(heartbeatLine(view, at(106))).toBe(
      "10:01:46Z  … rolling back for 30 s: observing the service and verifying the end state",
    );
  });
});
