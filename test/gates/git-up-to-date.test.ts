import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gitUpToDate } from "../../src/gates/git-up-to-date.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

let project: GitProject;
beforeEach(async () => {
  project = await createGitProject();
});
afterEach(() => project.remove());

it("passes when the branch contains the base, named or of the environment", async () => {
  await project.git(["switch", "-q", "-c", "feature/x"]);
  await project.commit("b.txt");
  expect(await project.check(gitUpToDate, { base: "main" })).toMatchObject({
    verdict: "pass",
    reason: expect.stringMatching(/^contains main of origin \([0-9a-f]{10}\)$/) as unknown,
  });
  expect(await project.check(gitUpToDate, {}, { branch: "main" })).toMatchObject({ verdict: "pass" });
});

it("fails when the base went on and that was fetched", async () => {
  await project.commitElsewhere("main");
  await project.git(["fetch", "-q"]);
  expect(await project.check(gitUpToDate, { base: "main" })).toMatchObject({
    verdict: "fail",
    reason: "1 commit of main of origin missing",
    fix: "run git fetch origin, then merge or rebase onto origin/main",
  });
});

it("fails when the base went on to a commit that was never fetched, and says so", async () => {
  const commit = await project.commitElsewhere("main");
  expect(await project.check(gitUpToDate, { base: "main" })).toMatchObject({
    verdict: "fail",
    reason: `main of origin is at ${commit.slice(0, 10)}, which is not here`,
  });
});

it("is undecided in a shallow clone", async () => {
  await project.commit("b.txt");
  await project.git(["push", "-q"]);
  await project.cloneShallow();
  expect(await project.check(gitUpToDate, { base: "main" }, { folder: "shallow" })).toMatchObject({
    verdict: "pass",
  });
  await project.commitElsewhere("main");
  expect(await project.check(gitUpToDate, { base: "main" }, { folder: "shallow" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("the clone is shallow") as unknown,
    fix: "run git fetch --unshallow origin",
  });
});

it("is undecided without a base, without that branch, and without an answer", async () => {
  expect(await project.check(gitUpToDate)).toMatchObject({
    verdict: "unknown",
    reason: "the environment has no branch, and no base is named",
  });
  expect(await project.check(gitUpToDate, { base: "gone" })).toMatchObject({
    verdict: "unknown",
    reason: "origin has no branch gone",
  });
  rmSync(join(project.root, "origin.git"), { recursive: true });
  expect(await project.check(gitUpToDate, { base: "main" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("did not answer") as unknown,
  });
});

it("works on a detached head, and writes nothing", async () => {
  await project.git(["checkout", "-q", "--detach"]);
  const before = project.snapshot();
  expect(await project.check(gitUpToDate, { base: "main" })).toMatchObject({ verdict: "pass" });
  expect(project.snapshot()).toEqual(before);
});
