import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Observed } from "../../../src/model/verdict.ts";
import { githubScm } from "../../../src/providers/github/index.ts";
import { openGithubEmulator, REPOSITORY, type GithubEmulator } from "../../support/github-emulator.ts";
import { openScm, openWorld } from "./world.ts";

const [owner = "", repo = ""] = REPOSITORY.split("/");
const signal = new AbortController().signal;

function present<T>(answer: Observed<T>): T {
  if (answer.state !== "present") throw new Error(JSON.stringify(answer));
  return answer.value;
}

describe("github, read by Octokit as well", () => {
  it("tells the same pull requests, reviews, check runs and statuses", async () => {
    const { emulator, scm, open, merged, checked, close } = await openWorld();
    const octokit = emulator.octokit("ben");
    for (const [request, commit] of [
      [open, open.head.commit],
      [merged, merged.mergeCommit],
    ] as const) {
      const listed = await octokit.request("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", {
        owner,
        repo,
        commit_sha: commit,
      });
      const [ours] = present(await scm.pullRequests({ commit }, signal));
      expect(listed.data.map(({ number }) => number)).toEqual([ours?.number]);
      const pull_number = request.number;
      const one = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
        owner,
        repo,
        pull_number,
      });
      expect(ours).toMatchObject({
        title: one.data.title,
        url: one.data.html_url,
        author: one.data.user?.login,
        head: { branch: one.data.head.ref, commit: one.data.head.sha },
        base: one.data.base.ref,
      });
      expect(ours?.state === "merged").toBe(one.data.merged);
      const reviews = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews", {
        owner,
        repo,
        pull_number,
      });
      expect(ours?.reviews.map(({ by, decision, commit: at }) => [by, decision, at])).toEqual(
        reviews.data.map(({ user, state, commit_id }) => [
          user?.login,
          state.toLowerCase().replace("_", "-"),
          commit_id,
        ]),
      );
    }
    const names: string[] = [];
    for (const page of [1, 2]) {
      const query = { owner, repo, ref: checked.commit, per_page: 100, page };
      const runs = await octokit.request("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", query);
      const statuses = await octokit.request("GET /repos/{owner}/{repo}/commits/{ref}/status", query);
      names.push(
        ...runs.data.check_runs.map(({ name, conclusion }) => `${name} ${conclusion ?? "in_progress"}`),
      );
      names.push(...statuses.data.statuses.map(({ context, state }) => `${context} ${state}`));
    }
    const ours = present(await scm.checks(checked.commit, signal));
    expect(ours.map(({ name, word }) => `${name} ${word}`).toSorted()).toEqual(names.toSorted());
    await close?.();
  }, 30_000);
});

describe("github", () => {
  let emulator: GithubEmulator;
  beforeEach(async () => {
    emulator = await openGithubEmulator();
  });
  afterEach(() => emulator.close());

  it.each([
    [403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893456000" }, "2030-01-01T00:00:00.000Z"],
    [429, { "x-ratelimit-reset": "1893456000" }, "2030-01-01T00:00:00.000Z"],
  ] as const)("says until when a limit is used up (%i)", async (status, headers, until) => {
    emulator.limit(status, headers);
    expect(await openScm(emulator.url).checks("a".repeat(40), signal)).toEqual({
      state: "unknown",
      reason: `GitHub's rate limit is used up until ${until}`,
    });
    expect(emulator.requests).toHaveLength(1);
  });

  it("counts the wait of a secondary limit from now", async () => {
    emulator.limit(403, { "retry-after": "60", "x-ratelimit-remaining": "4000" });
    const before = Date.now();
    const answer = await openScm(emulator.url).checks("a".repeat(40), signal);
    const until = /until (\S+)$/.exec(answer.state === "unknown" ? answer.reason : "")?.[1] ?? "";
    expect(Date.parse(until) - before).toBeGreaterThanOrEqual(60_000);
    expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(60_000);
  });

  it("quotes a refusal that is no limit", async () => {
    emulator.limit(403, { "x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1893456000" });
    expect(await openScm(emulator.url).checks("a".repeat(40), signal)).toEqual({
      state: "unknown",
      reason: "GitHub answered 403: API rate limit exceeded",
    });
  });

  it("does not take a repository that it may not see for a commit that is not there", async () => {
    emulator.limit(404, {});
    expect(await openScm(emulator.url).pullRequests({ commit: "a".repeat(40) }, signal)).toMatchObject({
      state: "unknown",
      reason: expect.stringContaining("the token may not see it") as unknown,
    });
  });

  it.each([
    [true, "none"],
    [false, "some"],
    [null, "unknown"],
  ] as const)("with mergeable %s, the conflicts are: %s", async (mergeable, conflicts) => {
    const commit = await emulator.commit("x");
    await emulator.branch("x", commit);
    const number = await emulator.openPull("x", "main");
    emulator.changePull(number, { mergeable });
    const found = present(await openScm(emulator.url).pullRequests({ commit }, signal));
    expect(found).toMatchObject([{ number, conflicts }]);
  });

  it("leaves out a pull request that went on to another commit", async () => {
    const commit = await emulator.commit("x");
    await emulator.branch("x", commit);
    const number = await emulator.openPull("x", "main");
    emulator.changePull(number, { head: await emulator.commit("y", [commit]) });
    const scm = openScm(emulator.url);
    expect(present(await scm.pullRequests({ commit }, signal))).toEqual([]);
    expect(present(await scm.pullRequests({ branch: "x" }, signal))).toMatchObject([{ number }]);
  });

  it("reads reviews over all pages", async () => {
    const commit = await emulator.commit("x");
    await emulator.branch("x", commit);
    const number = await emulator.openPull("x", "main");
    await Promise.all(Array.from({ length: 101 }, () => emulator.review(number, "cat", "COMMENT")));
    await emulator.review(number, "ben", "REQUEST_CHANGES");
    const [request] = present(await openScm(emulator.url).pullRequests({ commit }, signal));
    expect(request?.reviews).toHaveLength(102);
    expect(request?.reviews.filter(({ by }) => by === "ben")).toHaveLength(1);
  });

  it("refuses a repository without owner, and a token that stands in the runbook", () => {
    const settings = { repository: "acme/shop", token: "env:GITHUB_TOKEN" };
    expect(githubScm.schema.safeParse(settings).success).toBe(true);
    for (const repository of ["shop", "acme/shop/x", "https://github.com/acme/shop", "../shop"])
      expect(githubScm.schema.safeParse({ ...settings, repository }).success, repository).toBe(false);
    expect(githubScm.schema.safeParse({ ...settings, token: "ghp_secret" }).success).toBe(false);
  });
});
