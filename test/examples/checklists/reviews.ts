import type { GitProject } from "../../support/git-project.ts";
import { openGithubEmulator, type GithubEmulator } from "../../support/github-emulator.ts";
import { mirrorHead } from "../../support/mirror-head.ts";

/** What becomes of a commit on GitHub; two approvals and green checks when left out. */
export interface Reviewed {
  approvals?: number;
  /** Check → its conclusion. */
  checks?: Readonly<Record<string, string>>;
}

const CHECKS = { build: "success", danger: "success" };
const REVIEWERS = ["ben", "cat"] as const;

/** The team's pull request from staging to main, in the emulator, of commits as git made them. */
export interface Reviews extends AsyncDisposable {
  readonly url: string;
  /** Points the branch of this name at the checked-out commit, whose parents are there already. */
  push(branch: "main" | "staging"): Promise<void>;
  /** Brings the checked-out commit there as the head of the request, and has it checked and approved. */
  review(reviewed?: Reviewed): Promise<void>;
  /** Points the request at a commit that was its head before, and has it approved again. */
  moveBack(commit: string): Promise<void>;
}

export async function openReviews(git: GitProject): Promise<Reviews> {
  const github: GithubEmulator = await openGithubEmulator();
  let request: { number: number; head: string } | undefined;
  const approve = async (number: number, head: string, approvals: number): Promise<void> => {
    github.changePull(number, { head });
    request = { number, head };
    // The last word of each reviewer counts, and it is about one commit.
    for (const reviewer of REVIEWERS.slice(0, approvals))
      await github.review(number, reviewer, "APPROVE", head);
  };
  const known = new Set<string>();
  const bring = (): Promise<string> => mirrorHead(github, git, known);
  await bring();
  return {
    url: github.url,
    async push(branch) {
      await github.branch(branch, await bring());
    },
    async review({ approvals = REVIEWERS.length, checks = {} } = {}) {
      const commit = await bring();
      for (const [name, conclusion] of Object.entries({ ...CHECKS, ...checks }))
        await github.checkRun(commit, name, conclusion);
      const number = request?.number ?? (await github.openPull("staging", "main"));
      await approve(number, commit, approvals);
    },
    async moveBack(commit) {
      if (request !== undefined && request.head !== commit)
        await approve(request.number, commit, REVIEWERS.length);
    },
    [Symbol.asyncDispose]: () => github.close(),
  };
}
