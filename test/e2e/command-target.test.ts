import { afterAll, beforeAll, expect, it } from "vitest";
import { CommandProject } from "../support/command-project.ts";

let project: CommandProject;
beforeAll(async () => {
  project = await CommandProject.open();
});
afterAll(() => project.close());

it("deploys by commands, and goes back by the rollback command when a release fails its checks", async () => {
  for (const release of ["v1", "v2"]) {
    expect(await project.deploy(release), project.workerLog()).toMatchObject({
      outcome: "succeeded",
      endState: { verdict: "verified", release },
    });
  }
  expect(await project.deploy("v3"), project.workerLog()).toMatchObject({
    outcome: "rolled-back",
    verdict: { decision: "roll-back", stepId: "smoke" },
    endState: { verdict: "verified", release: "v2" },
  });
  expect(project.calls()).toEqual(["deploy v1", "deploy v2", "deploy v3", "rollback v2"]);
  expect(project.live()).toBe("v2");
});
