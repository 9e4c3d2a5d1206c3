import { afterEach, beforeEach, expect, it } from "vitest";
import { ciChecks } from "../../src/gates/ci-checks.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { openScm } from "../providers/github/world.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";
import { openGithubEmulator, type GithubEmulator } from "../support/github-emulator.ts";

let project: GitProject;
let github: GithubEmulator;
let commit: string;
beforeEach(async () => {
  [project, github] = await Promise.all([createGitProject(), openGithubEmulator()]);
  commit = await github.mainHead();
  expect(await project.adopt(await github.commitText(commit))).toBe(commit);
});
afterEach(async () => {
  project.remove();
  await github.close();
});

const check = (settings: JsonObject = {}) =>
  project.check(ciChecks, settings, { scm: openScm(github.url, "2s") });
const short = (): string => commit.slice(0, 10);

it("passes when check runs and statuses have passed on this commit", async () => {
  await github.checkRun(commit, "build", "success");
  await github.checkRun(commit, "optional", "skipped");
  github.status(commit, "ci/legacy", "success");
  expect(await check()).toMatchObject({
    verdict: "pass",
    reason: `2 passed on ${short()}, 1 skipped`,
    evidence: { commit },
  });
});

it("fails when one has failed, although others still run", async () => {
  await github.checkRun(commit, "build", "failure");
  await github.checkRun(commit, "e2e");
  github.status(commit, "ci/legacy", "error");
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: `failed on ${short()}: build (failure), ci/legacy (error)`,
  });
});

it("is undecided while one still runs", async () => {
  await github.checkRun(commit, "build", "success");
  await github.checkRun(commit, "e2e");
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: `1 of 2 checks still run on ${short()}: e2e (in_progress)`,
    fix: "wait for them, then make the plan again",
  });
});

it("never passes without a check, with skipped ones alone, or with those of another commit", async () => {
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: `no check has looked at ${short()}`,
  });
  await github.checkRun(await github.commit("other"), "build", "success");
  expect(await check()).toMatchObject({ verdict: "unknown" });
  await github.checkRun(commit, "build", "skipped");
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: `every check of ${short()} was skipped`,
  });
});

it("looks at the named ones alone, and wants every one of them", async () => {
  await github.checkRun(commit, "build", "success");
  await github.checkRun(commit, "flaky", "failure");
  await github.checkRun(commit, "docs", "skipped");
  expect(await check({ names: ["build"] })).toMatchObject({ verdict: "pass" });
  expect(await check({ names: ["build", "e2e"] })).toMatchObject({
    verdict: "unknown",
    reason: `no check e2e on ${short()}`,
  });
  expect(await check({ names: ["build", "docs"] })).toMatchObject({
    verdict: "unknown",
    reason: `docs did not look at ${short()}: docs (skipped)`,
  });
  expect(await check({ names: ["flaky"] })).toMatchObject({ verdict: "fail" });
});

it("leaves out what it is told to ignore, as the job that it runs in", async () => {
  await github.checkRun(commit, "build", "success");
  await github.checkRun(commit, "deploy / plan");
  expect(await check()).toMatchObject({ verdict: "unknown" });
  expect(await check({ ignore: ["deploy / *"] })).toMatchObject({ verdict: "pass" });
});

it("fails on a commit that is not there, and is undecided without an answer", async () => {
  await project.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
  await project.commit("b.txt");
  expect(await check()).toMatchObject({ verdict: "fail", fix: "push it" });
  await github.behave("hang");
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("GitHub gave no complete answer") as unknown,
  });
});
