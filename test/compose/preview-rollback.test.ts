import { describe, expect, it } from "vitest";
import { previewRollback } from "../../src/compose/preview-rollback.ts";
import { deadline } from "../../src/lib/clock.ts";
import type { PlannedStep } from "../../src/model/plan.ts";
import type { Attempt } from "../../src/model/run.ts";
import { stepKinds } from "../../src/steps/registry.ts";
import { samplePlan, sampleRun } from "../cli/support/sample-run.ts";
import { openMigrationWorld, up } from "../postgres/migrations/world.ts";

const plan = samplePlan({ rollback: { automatic: true, database: "down", cureMs: 1_000 } });

function step(id: string, kind: string, withSettings: PlannedStep["with"]): PlannedStep {
  const [some] = plan.stages.flatMap(({ steps }) => steps);
  const undo = { how: "undo" as const, text: `${id} as before` };
  return { ...some!, id, kind, kindVersion: stepKinds[kind]!.version, with: withSettings, facts: {}, undo };
}

function acted(stepId: string): Attempt {
  const times = { begunAt: new Date(0), endedAt: new Date(1) };
  return { runId: "r0sample0001", stepId, phase: "act", number: 1, state: "done", acted: true, ...times };
}

describe("previewRollback", () => {
  it("tells of the other steps, too, when the time is over before a database has counted", async () => {
    await using world = await openMigrationWorld();
    await world.write("1_a.sql", up("create table a ();", "drop table a;"));
    await world.apply({ runKey: "r0sample0001/migrate" });
    const busy = await world.other();
    await busy.query("begin; lock table tminus.migration in access exclusive mode");
    const steps = [
      step("first", "app.shift", {}),
      step("migrate", "db.migrate", { directory: ".", format: "native", loss: "refuse" }),
      step("shift", "app.shift", {}),
    ];
    const stages = [{ id: "all", title: "All", risk: "low" as const, success: [], steps }];
    const lines = await previewRollback({
      run: sampleRun({ plan: { ...plan, stages } }),
      attempts: steps.map(({ id }) => acted(id)),
      context: {
        projectDirectory: world.directory,
        stateDirectory: world.directory,
        environment: { name: "production", url: "", protected: true, database: "env:URL", variables: {} },
        target: { kind: "command", deploy: ["true"], status: ["true"] },
        signals: {},
        channels: [],
      },
      processEnvironment: { URL: world.url },
      signal: deadline(300),
    });
    expect(lines.map(({ stepId, what, rowsLost }) => [stepId, what, rowsLost])).toEqual([
      ["shift", "undo", 0],
      ["migrate", "unknown", null],
      ["first", "undo", 0],
    ]);
    expect(lines[1]?.text).toContain("could not be found out");
  });
});
