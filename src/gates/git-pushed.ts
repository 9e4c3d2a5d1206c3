import * as z from "zod";
import { branchSchema, remoteSchema } from "./git/names.ts";
import { commits, expectOutput, inRepository, shortCommit, type Repository } from "./git/repository.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const schema = z.strictObject({
  remote: remoteSchema.default("origin").describe("Name of the remote that must have the commit"),
  branch: branchSchema
    .optional()
    .describe("Branch of the remote that must have it; when left out, the upstream of the one checked out"),
});

/** Passes when the remote, asked now, has the checked-out commit on the branch. */
export const gitPushed = defineGate({
  kind: "git.pushed",
  summary: "Passes when the checked-out commit is on the remote branch, by asking the remote now.",
  requirements: ["B2"],
  schema,
  example: "remote: origin\n",

  check: (context) =>
    inRepository(context, async (repository) => {
      const { remote } = context.with;
      const head = await repository.head();
      if (head === undefined)
        return { verdict: "fail", reason: "nothing was ever committed", fix: "commit and push" };
      const branch = context.with.branch ?? (await upstreamOf(repository, remote));
      if (branch === undefined)
        return unknown(
          "no branch is checked out, so that it is not known where the commit should be",
          BRANCH,
        );
      const there = await repository.remoteHead(remote, branch);
      if (there.state === "unknown") return unknown(there.reason, `run git ls-remote ${remote} to see why`);
      const push = `run git push ${remote} HEAD:${branch}`;
      if (there.state === "absent")
        return { verdict: "fail", reason: `${remote} has no branch ${branch}`, fix: push };
      return judge(repository, { head, there: there.value, place: `${branch} of ${remote}`, remote, push });
    }),
});

const BRANCH = "name the branch under with.branch, or check one out";

interface Standing {
  head: string;
  /** Where the branch is on the remote. */
  there: string;
  place: string;
  remote: string;
  push: string;
}

async function judge(repository: Repository, standing: Standing): Promise<GateVerdict> {
  const { head, there, place, remote, push } = standing;
  const evidence = { commit: head, remote: there };
  if (head === there)
    return { verdict: "pass", reason: `${shortCommit(head)} is the head of ${place}`, evidence };
  switch (await repository.contains(there, head)) {
    case "yes":
      return { verdict: "pass", reason: `${shortCommit(head)} is in ${place}`, evidence };
    case "no": {
      const ahead = await repository.git(["rev-list", "--count", `${there}..${head}`]);
      const reason = `${commits(Number(expectOutput(ahead)))} not pushed to ${place}`;
      return { verdict: "fail", reason, evidence, fix: push };
    }
    case "missing":
      return {
        ...unknown(`${place} is at ${shortCommit(there)}, which is not here`, `run git fetch ${remote}`),
        evidence,
      };
    case "cut-off":
      return {
        ...unknown(
          `the clone is shallow: whether ${shortCommit(head)} is in ${place} cannot be seen`,
          `run git fetch --unshallow ${remote}`,
        ),
        evidence,
      };
  }
}

/** The branch of the remote that the checked-out one follows, else the one of the same name. */
async function upstreamOf(repository: Repository, remote: string): Promise<string | undefined> {
  const branch = await repository.branch();
  if (branch === undefined) return undefined;
  const follows = async (key: string): Promise<string | undefined> => {
    const answer = await repository.git(["config", "--get", `branch.${branch}.${key}`]);
    return answer.exitCode === 0 ? answer.stdout.trim() : undefined;
  };
  const ref = await follows("merge");
  if (ref?.startsWith("refs/heads/") !== true || (await follows("remote")) !== remote) return branch;
  return ref.slice("refs/heads/".length);
}
