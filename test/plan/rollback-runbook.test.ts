import { describe, expect, it } from "vitest";
import { rollbackRunbook } from "../../src/plan/rollback-runbook.ts";
import { stepKinds } from "../../src/steps/registry.ts";
import { resolvedRunbook, resolvedStep } from "./source.ts";

describe("rollbackRunbook", () => {
  const runbook = resolvedRunbook(
    [
      [resolvedStep("migrate", { kind: "db.migrate" }), resolvedStep("sign", { kind: "approve" })],
      [
        resolvedStep("deploy", { kind: "app.deploy", offsetMs: -60_000 }),
        resolvedStep("canary", { kind: "app.shift", with: { percent: 5 } }),
        resolvedStep("all", { kind: "app.shift", with: { percent: 100 }, offsetMs: 60_000 }),
        resolvedStep("smoke", { kind: "smoke" }),
        resolvedStep("unknown", { kind: "gone" }),
      ],
    ],
    { gates: [{ id: "g", kind: "git.clean", title: "g", with: {} }] },
  );
  const back = rollbackRunbook(runbook, (kind) => stepKinds[kind]);

  it("brings the release up and gives it everything at once: no gates, no canary, no migration, no approval", () => {
    expect(back.gates).toEqual([]);
    expect(back.stages.map(({ id, steps }) => [id, steps.map((step) => step.id)])).toEqual([
      ["stage-1", ["deploy", "all", "smoke"]],
    ]);
  });

  it("waits for no offset, and leaves the runbook itself as it was", () => {
    expect(back.stages[0]?.steps.map(({ offsetMs }) => offsetMs)).toEqual([undefined, undefined, undefined]);
    expect(runbook.stages[1]?.steps[0]?.offsetMs).toBe(-60_000);
  });
});
