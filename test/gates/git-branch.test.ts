import { afterEach, beforeEach, expect, it } from "vitest";
import { gitBranch } from "../../src/gates/git-branch.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

const FLOW = [
  { from: "feature/*", to: "staging" },
  { from: "staging", to: "main" },
  { from: "hotfix/*", to: "main" },
];

let project: GitProject;
beforeEach(async () => {
  project = await createGitProject();
});
afterEach(() => project.remove());

it.each([
  ["main", "main", "pass"],
  ["staging", "main", "pass"],
  ["hotfix/login", "main", "pass"],
  ["feature/login", "main", "fail"],
  ["feature/a/b", "staging", "pass"],
  ["hotfix/login", "staging", "fail"],
  ["main", "staging", "fail"],
  ["my-feature/login", "staging", "fail"],
])("on %s, for an environment of %s, it is a %s", async (branch, environmentBranch, verdict) => {
  if (branch !== "main") await project.git(["switch", "-q", "-c", branch]);
  const found = await project.check(gitBranch, { flow: FLOW }, { branch: environmentBranch });
  expect(found).toMatchObject({ verdict, evidence: { branch, environmentBranch } });
});

it("says which branches may go there, and where this one has to go first", async () => {
  await project.git(["switch", "-q", "-c", "feature/login"]);
  expect(await project.check(gitBranch, { flow: FLOW, branch: "main" })).toMatchObject({
    reason: "feature/login may not reach production: only main, staging, hotfix/*",
    fix: "bring feature/login to staging first",
  });
});

it("takes the branch of its settings before that of the environment", async () => {
  expect(await project.check(gitBranch, { branch: "main" }, { branch: "release" })).toMatchObject({
    verdict: "pass",
  });
  expect(await project.check(gitBranch, {}, { branch: "release" })).toMatchObject({ verdict: "fail" });
});

it("is undecided on a detached head, and when no branch is named anywhere", async () => {
  expect(await project.check(gitBranch, { flow: FLOW })).toMatchObject({
    verdict: "unknown",
    reason: "production has no branch in the runbook",
  });
  await project.git(["checkout", "-q", "--detach"]);
  expect(await project.check(gitBranch, { branch: "main" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("no branch is checked out") as unknown,
  });
});
