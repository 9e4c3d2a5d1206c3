import { systemClock } from "../../../src/lib/clock.ts";
import { Secret } from "../../../src/lib/redact.ts";
import type { PullRequest, Review, Scm } from "../../../src/model/scm.ts";
import { githubScm } from "../../../src/providers/github/index.ts";
import type { ScmWorld } from "../../../src/testing/index.ts";
import { openGithubEmulator, REPOSITORY, TOKEN, type GithubEmulator } from "../../support/github-emulator.ts";

export function openScm(url: string, timeout = "10s"): Scm {
  return githubScm.open(
    { repository: REPOSITORY, token: "env:GITHUB_TOKEN", url, timeout },
    { secret: (reference) => new Secret(TOKEN, reference), clock: systemClock, redact: (text) => text },
  );
}

const PER_PAGE = 100;
const CONCLUSIONS = {
  success: "passed",
  neutral: "skipped",
  skipped: "skipped",
  failure: "failed",
  cancelled: "failed",
  timed_out: "failed",
  action_required: "failed",
} as const;

/** What the suite for every provider asks of a world, in the emulator. */
export async function openWorld(): Promise<ScmWorld & { emulator: GithubEmulator }> {
  const emulator = await openGithubEmulator();
  const bare = await emulator.commit("bare");
  await emulator.branch("hotfix/x", await emulator.commit("mended"));
  const open = await openReviewed(emulator);
  const merged = await merge(emulator, "done", "main");
  await emulator.branch("staging", await emulator.mainHead());
  const mergedElsewhere = await merge(emulator, "tried", "staging");
  const checked = await withChecks(emulator);
  return {
    emulator,
    scm: openScm(emulator.url, "2s"),
    open,
    merged,
    mergedElsewhere,
    checked,
    bare,
    unproposed: { from: "hotfix/x", into: "main" },
    missing: "f".repeat(40),
    behave: (fault) =>
      fault === "throttled"
        ? emulator.limit(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893456000" })
        : emulator.behave(fault),
    secrets: [TOKEN],
    close: () => emulator.close(),
  };
}

async function openReviewed(emulator: GithubEmulator): Promise<PullRequest> {
  const first = await emulator.commit("feature 1");
  const commit = await emulator.commit("feature 2", [first]);
  await emulator.branch("feature/x", commit);
  const number = await emulator.openPull("feature/x", "main");
  await emulator.review(number, "ben", "APPROVE", first);
  await emulator.review(number, "cat", "REQUEST_CHANGES");
  await emulator.review(number, "eve", "APPROVE");
  await emulator.review(number, "robo", "APPROVE");
  await emulator.review(number, "ben", "COMMENT");
  await emulator.dismiss(number, await emulator.review(number, "cat", "APPROVE"));
  const member = { isPerson: true, isMember: true, commit };
  return requestOf(emulator, number, {
    head: { branch: "feature/x", commit },
    reviews: [
      { ...member, by: "ben", decision: "approved", commit: first },
      { ...member, by: "cat", decision: "changes-requested" },
      { ...member, by: "eve", decision: "approved", isMember: false },
      { ...member, by: "robo", decision: "approved", isPerson: false },
      { ...member, by: "ben", decision: "commented" },
      { ...member, by: "cat", decision: "dismissed" },
    ],
  });
}

async function merge(
  emulator: GithubEmulator,
  branch: string,
  base: string,
): Promise<PullRequest & { mergeCommit: string }> {
  const commit = await emulator.commit(branch);
  await emulator.branch(branch, commit);
  const number = await emulator.openPull(branch, base);
  await emulator.review(number, "ben", "APPROVE");
  const mergeCommit = await emulator.mergePull(number);
  const request = await requestOf(emulator, number, {
    state: "merged",
    head: { branch, commit },
    base,
    reviews: [{ by: "ben", isPerson: true, isMember: true, decision: "approved", commit }],
  });
  return { ...request, mergeCommit };
}

/** The times of the reviews are the emulator's own. */
async function requestOf(
  emulator: GithubEmulator,
  number: number,
  known: Partial<Omit<PullRequest, "reviews">> & {
    head: PullRequest["head"];
    reviews: Omit<Review, "at">[];
  },
): Promise<PullRequest> {
  const [owner = "", repo = ""] = REPOSITORY.split("/");
  const { data } = await emulator
    .octokit()
    .request("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews", { owner, repo, pull_number: number });
  return {
    number,
    title: `Bring ${known.head.branch}`,
    url: expectUrl(data[0]?.html_url),
    author: "ann",
    state: "open",
    isDraft: false,
    base: "main",
    mergeCommit: undefined,
    conflicts: "none",
    ...known,
    reviews: known.reviews.map((review, index) => ({
      ...review,
      at: new Date(data[index]?.submitted_at ?? ""),
    })),
  };
}

function expectUrl(reviewUrl: string | undefined): string {
  return (reviewUrl ?? "").replace(/#.*$/, "");
}

async function withChecks(emulator: GithubEmulator): Promise<ScmWorld["checked"]> {
  const commit = await emulator.commit("checked");
  const checks: { name: string; state: "passed" | "failed" | "pending" | "skipped" }[] = [];
  for (const [conclusion, state] of Object.entries(CONCLUSIONS)) {
    await emulator.checkRun(commit, conclusion, conclusion);
    checks.push({ name: conclusion, state });
  }
  await emulator.checkRun(commit, "running");
  checks.push({ name: "running", state: "pending" });
  const shards: Promise<void>[] = [];
  for (let index = 0; index < PER_PAGE; index++) {
    shards.push(emulator.checkRun(commit, `shard ${index}`, "success"));
    emulator.status(commit, `ci/${index}`, index === 0 ? "pending" : index === 1 ? "error" : "success");
    checks.push({ name: `shard ${index}`, state: "passed" });
    checks.push({ name: `ci/${index}`, state: index === 0 ? "pending" : index === 1 ? "failed" : "passed" });
  }
  await Promise.all(shards);
  emulator.status(commit, "ci/last", "failure");
  checks.push({ name: "ci/last", state: "failed" });
  return { commit, checks };
}
