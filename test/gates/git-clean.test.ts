import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gitClean } from "../../src/gates/git-clean.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";

let project: GitProject;
beforeEach(async () => {
  project = await createGitProject();
});
afterEach(() => project.remove());

it("passes on a clean tree, on the branch asked for", async () => {
  expect(await project.check(gitClean)).toMatchObject({ verdict: "pass", reason: "clean on main" });
  expect(await project.check(gitClean, { branch: "main" })).toMatchObject({ verdict: "pass" });
});

it("fails on another branch, and when none is checked out", async () => {
  expect(await project.check(gitClean, { branch: "release" })).toMatchObject({
    verdict: "fail",
    reason: "on main, not on release",
    fix: "run git switch release",
  });
  await project.git(["checkout", "-q", "--detach"]);
  expect(await project.check(gitClean, { branch: "main" })).toMatchObject({
    verdict: "fail",
    reason: "no branch is checked out, main is wanted",
  });
  expect(await project.check(gitClean)).toMatchObject({ verdict: "pass", reason: "clean" });
});

it("fails on changed and on untracked files, and names them", async () => {
  project.write("a.txt", "two\n");
  project.write("new file.txt", "");
  expect(await project.check(gitClean)).toMatchObject({
    verdict: "fail",
    reason: "uncommitted: a.txt, new file.txt",
  });
});

it("names at most ten files", async () => {
  for (let n = 10; n < 23; n++) project.write(`n${n}`, "");
  expect((await project.check(gitClean)).reason).toMatch(/^uncommitted: n10, .*, n19 and 3 more$/);
});

it("is undecided outside a repository, without git, and when git breaks off", async () => {
  mkdirSync(join(project.root, "plain"));
  expect(await project.check(gitClean, {}, { folder: "plain" })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("not a git work tree") as unknown,
  });
  const nowhere = { ...project.environment, PATH: project.root };
  expect(await project.check(gitClean, {}, { processEnvironment: nowhere })).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("git could not be run") as unknown,
    fix: "install git",
  });
  project.write(".git/index", "not an index");
  expect(await project.check(gitClean)).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("git failed") as unknown,
  });
});

it("writes nothing, not even git's index, although the file's time changed", async () => {
  const index = join(project.directory, ".git", "index");
  project.write("a.txt", "a.txt\n");
  const before = { content: readFileSync(index), mtimeMs: statSync(index).mtimeMs };
  expect((await project.check(gitClean)).verdict).toBe("pass");
  expect({ content: readFileSync(index), mtimeMs: statSync(index).mtimeMs }).toEqual(before);
});
