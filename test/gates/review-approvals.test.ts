import { afterEach, beforeEach, expect, it } from "vitest";
import { reviewApprovals } from "../../src/gates/review-approvals.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { openScm } from "../providers/github/world.ts";
import { createGitProject, type GitProject } from "../support/git-project.ts";
import { openGithubEmulator, type GithubEmulator } from "../support/github-emulator.ts";

let project: GitProject;
let github: GithubEmulator;
let commit: string;
let number: number;
beforeEach(async () => {
  [project, github] = await Promise.all([createGitProject(), openGithubEmulator()]);
  commit = await github.commit("feature");
  await github.branch("feature/x", commit);
  number = await github.openPull("feature/x", "main");
  expect(await project.adopt(await github.commitText(commit))).toBe(commit);
});
afterEach(async () => {
  project.remove();
  await github.close();
});

const check = (settings: JsonObject = {}, branch?: string) =>
  project.check(reviewApprovals, settings, {
    scm: openScm(github.url, "2s"),
    ...(branch === undefined ? {} : { branch }),
  });

it("fails without approvals, and passes with as many as are wanted", async () => {
  expect(await check()).toMatchObject({ verdict: "fail", reason: `0 of 1 approvals of #${number}` });
  await github.review(number, "ben", "APPROVE");
  expect(await check()).toMatchObject({
    verdict: "pass",
    reason: `1 of 1 approvals of #${number}: ben`,
    evidence: { commit, approvedBy: ["ben"], state: "open" },
  });
  expect(await check({ count: 2 })).toMatchObject({ verdict: "fail" });
  await github.review(number, "cat", "APPROVE");
  expect(await check({ count: 2 })).toMatchObject({ verdict: "pass" });
});

it("does not count the author, a program, a stranger, nor an earlier commit, and says so", async () => {
  const earlier = await github.commit("earlier");
  await github.review(number, "ann", "APPROVE");
  await github.review(number, "robo", "APPROVE");
  await github.review(number, "eve", "APPROVE");
  await github.review(number, "cat", "APPROVE", earlier);
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: `0 of 1 approvals of #${number}; not counted: ann (the author), robo (no person), eve (no member of the repository), cat (of an earlier commit)`,
  });
  expect(await check({ stale: true })).toMatchObject({ verdict: "pass" });
  expect(await check({ notAuthor: false })).toMatchObject({ verdict: "pass" });
});

it("fails while a member wants changes, whoever else approved", async () => {
  await github.review(number, "ben", "APPROVE");
  await github.review(number, "cat", "REQUEST_CHANGES");
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: `cat asked for changes in #${number}`,
  });
});

it("fails on conflicts, and is undecided while they are not known", async () => {
  await github.review(number, "ben", "APPROVE");
  github.changePull(number, { mergeable: false });
  expect(await check()).toMatchObject({ verdict: "fail", reason: `#${number} has conflicts with main` });
  github.changePull(number, { mergeable: null });
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: `it is not known yet whether #${number} can be merged`,
  });
});

it("passes on what a merge made", async () => {
  await github.review(number, "ben", "APPROVE");
  const merged = await github.mergePull(number);
  expect(await project.adopt(await github.commitText(merged))).toBe(merged);
  expect(await check({}, "main")).toMatchObject({ verdict: "pass", evidence: { state: "merged" } });
});

it("fails on a commit that no pull request ends with, and says where the branch's own is", async () => {
  const next = await github.commit("next", [commit]);
  await project.adopt(await github.commitText(next));
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: `no pull request ends with ${next.slice(0, 10)}`,
  });
  await project.git(["switch", "-q", "-c", "feature/x"]);
  expect(await check()).toMatchObject({
    reason: `no pull request ends with ${next.slice(0, 10)}; #${number} of feature/x into main is at ${commit.slice(0, 10)}`,
  });
});

it("looks only at pull requests into the branch of the environment", async () => {
  await github.review(number, "ben", "APPROVE");
  expect(await check({}, "staging")).toMatchObject({
    verdict: "fail",
    reason: `no pull request into staging ends with ${commit.slice(0, 10)}`,
  });
  expect(await check({ base: "main" }, "staging")).toMatchObject({ verdict: "pass" });
});

it("fails on a commit that was never pushed", async () => {
  await project.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
  const local = await project.commit("b.txt");
  expect(await check()).toMatchObject({
    verdict: "fail",
    reason: `github ann/shop does not have ${local.slice(0, 10)}`,
    fix: "push it",
  });
});

it("is undecided without a place to ask, without an answer, and outside a repository", async () => {
  expect(await project.check(reviewApprovals)).toMatchObject({
    verdict: "unknown",
    reason: "the runbook does not say where the code is reviewed",
  });
  await github.behave("broken");
  expect(await check()).toMatchObject({
    verdict: "unknown",
    reason: expect.stringContaining("github ann/shop: GitHub answered 500") as unknown,
  });
  expect(await project.check(reviewApprovals, {}, { folder: "." })).toMatchObject({ verdict: "unknown" });
});
