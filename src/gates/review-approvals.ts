import * as z from "zod";
import type { PullRequest } from "../model/scm.ts";
import { branchSchema } from "./git/names.ts";
import { shortCommit } from "./git/repository.ts";
import { countApprovals } from "./scm/approvals.ts";
import { didNotSay, notThere, ofCommit, type CommitAtScm } from "./scm/of-commit.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const schema = z.strictObject({
  count: z.int().min(1).max(20).default(1).describe("How many people must have approved"),
  notAuthor: z.boolean().default(true).describe("Whether the author's own approval does not count"),
  stale: z
    .boolean()
    .default(false)
    .describe("Whether approvals of earlier commits of the pull request count, too"),
  base: branchSchema
    .optional()
    .describe(
      "Branch into which the pull request goes; when left out, that of the environment, else any branch",
    ),
});
type With = z.output<typeof schema>;

/**
 * Passes when the pull request that ends with the checked-out commit, open or merged, was approved by enough people. It
 * is about that one request: what came to the branch before it is not looked at.
 */
export const reviewApprovals = defineGate({
  kind: "review.approvals",
  summary:
    "Passes when enough members approved the pull request of the checked-out commit, nobody asks for changes, and nothing conflicts.",
  requirements: ["B3"],
  schema,
  example: "count: 2\nnotAuthor: true\n",

  check: (context) =>
    ofCommit(context, async (at) => {
      const { scm, commit } = at;
      const { base = context.environment.branch } = context.with;
      const found = await scm.pullRequests({ commit }, context.signal);
      if (found.state === "unknown") return didNotSay(scm, found.reason);
      if (found.state === "absent") return notThere(scm, commit);
      const requests = found.value.filter(
        (request) => request.state !== "closed" && (base === undefined || request.base === base),
      );
      if (requests.length === 0) return withoutRequest(at, base, context.signal);
      const verdicts = requests.map((request) => judge(request, context.with));
      return verdicts.find(({ verdict }) => verdict === "pass") ?? verdicts[0]!;
    }),
});

function judge(request: PullRequest, settings: With): GateVerdict {
  const { by, against, leftOut } = countApprovals(request, settings);
  const name = `#${request.number}`;
  const evidence = {
    pullRequest: request.url,
    state: request.state,
    commit: request.head.commit,
    approvedBy: by,
    changesRequestedBy: against,
    leftOut,
  };
  const fail = (reason: string, fix: string): GateVerdict => ({ verdict: "fail", reason, evidence, fix });
  if (request.isDraft && request.state === "open")
    return fail(`${name} is a draft`, "mark it as ready, and have it reviewed");
  if (request.conflicts === "some")
    return fail(`${name} has conflicts with ${request.base}`, `merge ${request.base} into it`);
  if (against.length > 0)
    return fail(
      `${against.join(", ")} asked for changes in ${name}`,
      "make them, and ask for another review",
    );
  const tally = `${by.length} of ${settings.count} approvals of ${name}`;
  const who = by.length === 0 ? "" : `: ${by.join(", ")}`;
  if (by.length < settings.count) {
    const not = leftOut.length === 0 ? "" : `; not counted: ${leftOut.join(", ")}`;
    return fail(`${tally}${who}${not}`, `have ${request.url} approved`);
  }
  if (request.conflicts === "unknown")
    return {
      ...unknown(
        `it is not known yet whether ${name} can be merged`,
        "wait a moment, then make the plan again",
      ),
      evidence,
    };
  return { verdict: "pass", reason: `${tally}${who}`, evidence };
}

/** Says so where an open pull request of the branch went another way. */
async function withoutRequest(
  { scm, commit, repository }: CommitAtScm,
  base: string | undefined,
  signal: AbortSignal,
): Promise<GateVerdict> {
  const branch = await repository.branch();
  const found = branch === undefined ? undefined : await scm.pullRequests({ branch }, signal);
  const open = found?.state === "present" ? found.value.find(({ state }) => state === "open") : undefined;
  const into = base === undefined ? "" : ` into ${base}`;
  const reason = `no pull request${into} ends with ${shortCommit(commit)}`;
  const but =
    open === undefined
      ? ""
      : `; #${open.number} of ${open.head.branch} into ${open.base} is at ${shortCommit(open.head.commit)}`;
  return {
    verdict: "fail",
    reason: reason + but,
    evidence: { commit },
    fix: "open a pull request for it and have it reviewed, or check out what was reviewed",
  };
}
