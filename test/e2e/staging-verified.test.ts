import { afterAll, beforeAll, expect, it } from "vitest";
import type { GateResult } from "../../src/model/plan.ts";
import { CommandProject } from "../support/command-project.ts";

let project: CommandProject;
beforeAll(async () => {
  project = await CommandProject.open({ stagingFirst: true });
});
afterAll(() => project.close());

async function gate(release: string): Promise<GateResult | undefined> {
  return (await project.plan(release, "production")).gates[0];
}

it("lets a release into production only as it succeeded on staging, and not after it was rolled back there", async () => {
  project.write("v1.txt", "one");
  project.write("v2.txt", "two");
  expect(await gate("v1")).toMatchObject({ verdict: "fail", reason: "v1 was never deployed to staging" });

  expect(await project.deploy("v1", "staging"), project.workerLog()).toMatchObject({ outcome: "succeeded" });
  const run = await project.deploy("v2", "staging");
  expect(await gate("v2")).toMatchObject({ verdict: "pass", evidence: { run: run.id } });

  project.write("v2.txt", "changed");
  expect(await gate("v2")).toMatchObject({
    verdict: "fail",
    reason: `run ${run.id} of v2 on staging had other release files of v2`,
  });
  project.write("v2.txt", "two");
  expect(await gate("v2")).toMatchObject({ verdict: "pass" });

  const back = await project.run(await project.plan("v1", "staging", "rollback"));
  expect(back, project.workerLog()).toMatchObject({ outcome: "succeeded" });
  expect(await gate("v2")).toMatchObject({
    verdict: "fail",
    reason: `v2 was rolled back on staging since (run ${back.id}, to v1)`,
  });
  expect(await gate("v1")).toMatchObject({ verdict: "pass" });
}, 120_000);
