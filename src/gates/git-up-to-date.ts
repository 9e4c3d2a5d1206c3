import * as z from "zod";
import { branchSchema, remoteSchema } from "./git/names.ts";
import { commits, expectOutput, inRepository, shortCommit } from "./git/repository.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  remote: remoteSchema.default("origin").describe("Name of the remote that is asked"),
  base: branchSchema
    .optional()
    .describe("Branch that must be contained; the branch of the environment when left out"),
});

/**
 * Passes when the checked-out commit contains the head of the base branch as the remote has it now. Nothing is fetched:
 * a head that is not here cannot be contained, unless the clone is shallow.
 */
export const gitUpToDate = defineGate({
  kind: "git.up-to-date",
  summary: "Passes when the checked-out commit contains the base branch as the remote has it now.",
  requirements: ["B2"],
  schema,
  example: "base: main\n",

  check: (context) =>
    inRepository(context, async (repository) => {
      const { remote, base = context.environment.branch } = context.with;
      if (base === undefined)
        return unknown("the environment has no branch, and no base is named", "name it under with.base");
      const head = await repository.head();
      if (head === undefined)
        return { verdict: "fail", reason: "nothing was ever committed", fix: `run git switch ${base}` };
      const there = await repository.remoteHead(remote, base);
      if (there.state === "unknown") return unknown(there.reason, `run git ls-remote ${remote} to see why`);
      if (there.state === "absent")
        return unknown(`${remote} has no branch ${base}`, "correct the name of the base branch");
      const at = shortCommit(there.value);
      const evidence = { commit: head, base: there.value };
      const fix = `run git fetch ${remote}, then merge or rebase onto ${remote}/${base}`;
      switch (await repository.contains(head, there.value)) {
        case "yes":
          return { verdict: "pass", reason: `contains ${base} of ${remote} (${at})`, evidence };
        case "no": {
          const behind = await repository.git(["rev-list", "--count", `${head}..${there.value}`]);
          const reason = `${commits(Number(expectOutput(behind)))} of ${base} of ${remote} missing`;
          return { verdict: "fail", reason, evidence, fix };
        }
        case "missing": {
          const reason = `${base} of ${remote} is at ${at}, which is not here`;
          if (await repository.isShallow())
            return {
              ...unknown(`${reason}; the clone is shallow`, `run git fetch --unshallow ${remote}`),
              evidence,
            };
          return { verdict: "fail", reason, evidence, fix };
        }
        case "cut-off":
          return {
            ...unknown(
              `the clone is shallow: whether ${base} of ${remote} (${at}) is contained cannot be seen`,
              `run git fetch --unshallow ${remote}`,
            ),
            evidence,
          };
      }
    }),
});
